/** Names for what the API sends and takes, all from its schema. Regenerate: `make web-types`. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type SessionBody = Schemas["SessionBody"];
export type ProjectBody = Schemas["ProjectBody"];
export type SnapshotBody = Schemas["SnapshotBody"];
export type DiffBody = Schemas["DiffBody"];
export type DiffFileBody = Schemas["DiffFileBody"];
export type PullRequestBody = Schemas["PullRequestBody"];
export type EnvironmentBody = Schemas["EnvironmentBody"];
export type ProcessBody = Schemas["ProcessBody"];
export type PortsBody = Schemas["PortsBody"];
export type PortBody = Schemas["PortBody"];
export type ProviderBody = Schemas["ProviderBody"];
export type PushDeviceBody = Schemas["PushDeviceBody"];
export type SizeBody = Schemas["SizeBody"];
export type SignInBody = Schemas["SignInBody"];
export type UserBody = Schemas["UserBody"];
export type UsageDayBody = Schemas["UsageDayBody"];
export type UsageOverTimeBody = Schemas["UsageOverTimeBody"];
export type UsageSeriesBody = Schemas["UsageSeriesBody"];
export type AskBody = Schemas["AskBody"];
export type MessageBody = Schemas["MessageBody"];
export type BranchesBody = Schemas["BranchesBody"];
export type NewSession = Schemas["NewSession"];
export type NewProject = Schemas["NewProject"];
export type NewMessage = Schemas["NewMessage"];
export type NewAttachment = Schemas["NewAttachment"];
export type SettingsBody = Schemas["SettingsBody"];
export type SettingsChanges = Schemas["SettingsChanges"];
export type SessionChanges = Schemas["SessionChanges"];
export type Answer = Schemas["Answer"];

export type EventFrame = Schemas["EventFrame"];
export type PageFrame = Schemas["PageFrame"];
export type SessionEvent = EventFrame["event"];
export type LivePart = Schemas["LivePart"];
export type PartFrame = Schemas["PartFrame"];
export type ChangeFrame = Schemas["ChangeFrame"];

/** A frame of the stream of everything: one field each. */
export type OverviewFrame = Partial<
  Schemas["ResyncFrame"] &
    Schemas["SessionFrame"] &
    Schemas["SessionDeletedFrame"] &
    Schemas["ProjectFrame"] &
    Schemas["ProjectDeletedFrame"] &
    Schemas["SnapshotFrame"]
>;

/** One kind of event: `EventOf<"tool_called">`. */
export type EventOf<K extends SessionEvent["kind"]> = Extract<SessionEvent, { kind: K }>;
