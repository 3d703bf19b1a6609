import { expect, it } from "vitest";

import { EndFollower } from "./end_follower";

it("follows from the beginning, also while the list corrects its measures", () => {
  const follower = new EndFollower();
  follower.put(1_000, 0);
  follower.moved(900, 100);
  follower.put(1_000, 0);
  follower.rested();
  follower.moved(950, 50_000);
  follower.moved(900, 50_050);
  expect(follower.follows).toBe(true);
});

it.each([0, 40])("leaves the end when the browser goes to what was searched for while %i px come", (come) => {
  const follower = new EndFollower();
  follower.put(1_000, 0);
  follower.rested();
  follower.moved(700, 300 + come);
  expect(follower.follows).toBe(false);
  follower.moved(700, 400);
  expect(follower.follows).toBe(false);
  follower.moved(1_090, 10);
  expect(follower.follows).toBe(true);
});

it("follows where rows turn out to be shorter", () => {
  const follower = new EndFollower();
  follower.put(1_000, 0);
  follower.rested();
  follower.moved(900, 50);
  expect(follower.follows).toBe(true);
});

it("follows on where a row is taken out and put back while we go to the end", () => {
  const follower = new EndFollower();
  follower.put(1_000, 0);
  follower.rested();
  follower.put(800, 0);
  follower.moved(800, 200);
  expect(follower.follows).toBe(true);
});

it("leaves the end the moment its user turns away, however little has moved", () => {
  const follower = new EndFollower();
  follower.moved(1_000, 0);
  follower.turnedUp();
  follower.moved(1_000, 0);
  follower.moved(995, 5);
  expect(follower.follows).toBe(false);
});

it("leaves the end when its scroll bar is drawn up", () => {
  const follower = new EndFollower();
  follower.moved(1_000, 0);
  follower.touched();
  follower.moved(500, 500);
  expect(follower.follows).toBe(false);
});

it("follows again when its user comes back to the end, or asks for it", () => {
  const follower = new EndFollower();
  follower.turnedUp();
  follower.moved(500, 500);
  follower.turnedDown();
  follower.moved(970, 30);
  expect(follower.follows).toBe(true);
  follower.turnedUp();
  follower.goToEnd();
  expect(follower.follows).toBe(true);
});

it("does not follow what grows below somebody who reads", () => {
  const follower = new EndFollower();
  follower.turnedUp();
  follower.moved(500, 500);
  follower.moved(500, 900);
  expect(follower.follows).toBe(false);
});
