import { describe, expect, it } from "vitest";

import { answerOf, choose, type Question, write } from "./answering";

const one: Question = { question: "Colour?", header: null, is_multiple: false, choices: [] };
const many: Question = { ...one, question: "Pages?", is_multiple: true };
const nothing = { chosen: [], other: "" };

describe("an answer", () => {
  it("waits for every question", () => {
    expect(answerOf([one, many], [{ chosen: ["Red"], other: "" }, nothing])).toBeNull();
    expect(answerOf([one], [{ chosen: [], other: "  " }])).toBeNull();
  });

  it("has choices and free text by question", () => {
    const filled = [
      { chosen: [], other: " Teal " },
      { chosen: ["Home"], other: "Imprint" },
    ];
    expect(answerOf([one, many], filled)).toEqual({
      choices: { "Colour?": ["Teal"], "Pages?": ["Home", "Imprint"] },
    });
  });
});

describe("choosing", () => {
  it("changes the one choice, or adds and takes away", () => {
    expect(choose(one, { chosen: ["Red"], other: "x" }, "Blue")).toEqual({ chosen: ["Blue"], other: "" });
    expect(choose(many, { chosen: ["Home"], other: "x" }, "About").chosen).toEqual(["Home", "About"]);
    expect(choose(many, { chosen: ["Home"], other: "" }, "Home").chosen).toEqual([]);
  });

  it("gives way to free text where there is one answer", () => {
    expect(write(one, { chosen: ["Red"], other: "" }, "Teal").chosen).toEqual([]);
    expect(write(one, { chosen: ["Red"], other: "" }, "  ").chosen).toEqual(["Red"]);
    expect(write(many, { chosen: ["Home"], other: "" }, "Imprint").chosen).toEqual(["Home"]);
  });
});
