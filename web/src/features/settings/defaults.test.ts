import { describe, expect, it } from "vitest";

import {
  changesOf,
  configuredWords,
  countdownFault,
  fieldOf,
  formOf,
  modelChoices,
  modelKey,
} from "./defaults";
import { PROVIDERS, SETTINGS } from "./defaults_sample";

describe("changes of the defaults", () => {
  it("are none where nothing was edited", () => {
    expect(changesOf(SETTINGS, formOf(SETTINGS))).toEqual({});
  });

  it("are what differs, a model with its provider and the countdown in seconds", () => {
    const form = { ...formOf(SETTINGS), model: modelKey("rehearsal", "rehearsal"), idle_countdown_s: "1,5" };
    expect(changesOf(SETTINGS, form)).toEqual({
      model: "rehearsal",
      provider: "rehearsal",
      idle_countdown_s: 90,
    });
    expect(changesOf(SETTINGS, { ...formOf(SETTINGS), effort: "max", mode: "plan", size: "large" })).toEqual({
      effort: "max",
      mode: "plan",
      size: "large",
    });
  });
});

describe("a countdown", () => {
  it.each(["0.5", "0,5", " 5 ", "1440"])("may be %j minutes", (minutes) => {
    expect(countdownFault(minutes)).toBeNull();
  });

  it.each(["", "0", "0.4", "1441", "-5", "soon", "5 min"])("may not be %j minutes", (minutes) => {
    expect(countdownFault(minutes)).toMatch("half a minute");
  });
});

describe("where a refusal belongs", () => {
  it.each([
    ["default model: anthropic has no model 'x'. Next step: …", "model"],
    ["there is no provider 'x'; there are: anthropic", "model"],
    ["default size: there is no size 'x'", "size"],
    ["idle countdown: 5 s is not within 30 and 86400 s", "idle_countdown_s"],
    ["body.effort: Input should be 'low'", "effort"],
    ["body.colour: Extra inputs are not permitted", null],
    ["the database did not answer", null],
  ])("is for %j at %j", (message, field) => {
    expect(fieldOf(message)).toBe(field);
  });
});

describe("models to choose from", () => {
  it("are every provider's", () => {
    expect(modelChoices(SETTINGS, PROVIDERS).map((one) => [one.provider, one.models.length])).toEqual([
      ["anthropic", 2],
      ["rehearsal", 1],
    ]);
  });

  it.each([
    ["while providers are not known", []],
    ["where its provider lists others", PROVIDERS],
  ])("have the present one %s", (_, providers) => {
    const settings = { ...SETTINGS, model: { ...SETTINGS.model, value: "claude-x" } };
    const [own] = modelChoices(settings, providers);
    expect(own?.models[0]).toEqual({ value: modelKey("anthropic", "claude-x"), name: "claude-x" });
  });
});

describe("what the configuration says", () => {
  it("is in the words of the controls", () => {
    expect(configuredWords(SETTINGS, PROVIDERS)).toEqual({
      model: "Sonnet, the newest of anthropic",
      effort: "As the model likes",
      mode: "Works on its own",
      size: "small",
      idle_countdown_s: "5 min",
    });
  });
});
