import { Link } from "@tanstack/react-router";
import type { ComponentType } from "react";

import { Page } from "@/features/project/Page";
import { classes } from "@/ui/classes";

import { AccountSection } from "./AccountSection";
import { DefaultsSection } from "./DefaultsSection";
import { GitSection } from "./GitSection";
import { AboutSection, AppearanceSection, NoticesSection } from "./HereSections";
import { PeopleSection } from "./PeopleSection";
import { ProvidersSection } from "./ProvidersSection";
import { UsageSection } from "./UsageSection";

const SECTIONS: Record<string, { name: string; view: ComponentType }> = {
  account: { name: "Account", view: AccountSection },
  people: { name: "People", view: PeopleSection },
  providers: { name: "Providers", view: ProvidersSection },
  defaults: { name: "Defaults", view: DefaultsSection },
  git: { name: "Git accounts", view: GitSection },
  usage: { name: "Usage", view: UsageSection },
  appearance: { name: "Appearance", view: AppearanceSection },
  notices: { name: "Notices", view: NoticesSection },
  about: { name: "About", view: AboutSection },
};

/** One section of the settings, and the way to the others; an unknown name shows the first. */
export function SettingsView({ section }: { section: string | undefined }) {
  const shown = section !== undefined && section in SECTIONS ? section : "account";
  const View = SECTIONS[shown]?.view ?? AccountSection;
  return (
    <Page title="Settings" className="max-w-5xl">
      <div className="grid items-start gap-5 md:grid-cols-[10rem_minmax(0,1fr)] md:gap-8">
        <nav
          aria-label="Settings"
          className="-mx-4 flex gap-0.5 overflow-x-auto px-4 pb-1 md:sticky md:top-8 md:mx-0 md:flex-col md:px-0"
        >
          {Object.entries(SECTIONS).map(([name, one]) => (
            <Link
              key={name}
              to="/settings/{-$section}"
              params={{ section: name }}
              aria-current={name === shown ? "page" : undefined}
              className={classes(
                "flex h-9 shrink-0 items-center rounded-md px-2.5 font-medium text-ink-2 transition-colors hover:bg-sunken hover:text-ink",
                name === shown && "bg-sunken text-ink",
              )}
            >
              {one.name}
            </Link>
          ))}
        </nav>
        <div className="flex min-w-0 flex-col gap-5">
          <View />
        </div>
      </div>
    </Page>
  );
}
