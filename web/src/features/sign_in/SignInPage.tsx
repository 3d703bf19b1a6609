import { Empty } from "@/ui/states";

export default function SignInPage() {
  return <Empty title="Sign in" />;
}
