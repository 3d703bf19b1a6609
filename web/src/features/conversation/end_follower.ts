/** Whether a list that grows keeps its end in sight: until its user leaves the end, and again once they are back. Pure. */

/** Within so many pixels of the end one is at the end. */
const AT_END_PX = 40;
/** A list whose length changes by more than this measures rows that it has only guessed: it is not at rest. */
const GUESSED_PX = 400;

export class EndFollower {
  private isFollowing = true;
  private offset = 0;
  /** Of the whole list, less what is in sight of it. */
  private size = 0;
  /** Its rows are measured, so that it moves by itself no more. */
  private isAtRest = false;
  /** Where the user goes. The list moves by itself, too: only where its user goes that way does it count. */
  private direction: "up" | "down" | "either" | null = null;

  get follows(): boolean {
    return this.isFollowing;
  }

  /** The user turns towards the beginning, by wheel, finger or key: that counts at once, before anything has moved. */
  turnedUp(): void {
    this.direction = "up";
    this.isFollowing = false;
  }

  /** The user turns towards the end. */
  turnedDown(): void {
    this.direction = "down";
  }

  /** The user takes hold of the list in a way that does not say where to, as of its scroll bar. */
  touched(): void {
    this.direction = "either";
  }

  /** We have moved the list ourselves: `left` pixels are below what is in sight. */
  put(offset: number, left: number): void {
    this.offset = offset;
    this.size = offset + left;
  }

  /**
   * The list has moved, by its user, by itself as it measures, or by the browser, which shows what was searched for.
   * One that is at rest, has not become shorter and is away from its end all the same: somebody wants to be there.
   * Returns whether the end is still to be followed.
   */
  moved(offset: number, left: number): boolean {
    const isAway = offset < this.offset && left > AT_END_PX;
    const grown = offset + left - this.size;
    if (Math.abs(grown) > GUESSED_PX) this.isAtRest = false;
    this.put(offset, left);
    if (isAway && (this.direction === "either" || (this.isAtRest && grown > -1))) {
      this.isFollowing = false;
      this.direction ??= "either";
    } else if (this.direction !== "up" && this.direction !== null && left <= AT_END_PX) {
      this.isFollowing = true;
    }
    return this.isFollowing;
  }

  /** The list has not moved for a while. */
  rested(): void {
    this.isAtRest = true;
  }

  goToEnd(): void {
    this.isFollowing = true;
    this.isAtRest = false;
    this.direction = null;
  }
}
