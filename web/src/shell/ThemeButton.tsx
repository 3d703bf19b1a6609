import { Moon, Sun, SunMoon } from "lucide-react";

import { IconButton } from "@/ui/IconButton";
import { Menu, MenuChoices } from "@/ui/Menu";
import { chooseTheme, useTheme } from "@/ui/theme";

const CHOICES = [
  { value: "system", name: "As the system" },
  { value: "light", name: "Light" },
  { value: "dark", name: "Dark" },
] as const;
const ICONS = { system: SunMoon, light: Sun, dark: Moon };

/** Chooses between light and dark. */
export function ThemeButton() {
  const { choice } = useTheme();
  const Icon = ICONS[choice];
  return (
    <Menu
      trigger={
        <IconButton label="Light or dark">
          <Icon />
        </IconButton>
      }
    >
      <MenuChoices value={choice} choices={CHOICES} onChoose={chooseTheme} />
    </Menu>
  );
}
