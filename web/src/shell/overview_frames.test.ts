import { expect, it } from "vitest";

import { keys } from "@/api/keys";
import { makeQueryClient } from "@/api/query_client";
import type { SessionBody } from "@/api/types";

import { takeFrame } from "./overview_frames";

const session = (id: string, title: string) => ({ id, title }) as SessionBody;

it("puts a changed session in its place, a new one behind, and drops a deleted one", () => {
  const queries = makeQueryClient();
  queries.setQueryData(keys.sessions, [session("a", "A"), session("b", "B")]);
  takeFrame(queries, { session: session("a", "A2") });
  takeFrame(queries, { session: session("c", "C") });
  takeFrame(queries, { session_deleted: "b" });
  const titles = queries.getQueryData<SessionBody[]>(keys.sessions)?.map((each) => each.title);
  expect(titles).toEqual(["A2", "C"]);
  expect(queries.getQueryData(keys.session("a"))).toEqual(session("a", "A2"));
});

it("reads the lists anew when changes were lost", () => {
  const queries = makeQueryClient();
  queries.setQueryData(keys.sessions, []);
  queries.setQueryData(keys.projects, []);
  takeFrame(queries, { resync: true });
  expect(queries.getQueryState(keys.sessions)?.isInvalidated).toBe(true);
  expect(queries.getQueryState(keys.projects)?.isInvalidated).toBe(true);
});
