/** Signing in, as the server knows it. */
import { request } from "./request";

export interface User {
  name: string;
}

export type SignInMethod = { kind: "password" } | { kind: "oidc"; name: string; url: string };

/** Whether the caller is signed in, and how one may sign in. */
export interface SignInState {
  is_signed_in: boolean;
  user: User | null;
  has_users: boolean;
  methods: SignInMethod[];
}

export const signInKey = ["sign-in"] as const;

export const readSignIn = () => request<SignInState>("GET", "/api/sign-in");

export const signIn = (name: string, password: string) =>
  request<User>("POST", "/api/sign-in", { name, password });

/** Whom a one-time link lets in; null: whoever uses it chooses a name and a password. */
export const checkLink = (link: string) =>
  request<{ user: User | null }>("POST", "/api/sign-in/link/check", { link });

export const enterByLink = (link: string, who: { name?: string; password?: string }) =>
  request<User>("POST", "/api/sign-in/link", { link, ...who });

export const signOut = () => request<null>("POST", "/api/sign-out");
