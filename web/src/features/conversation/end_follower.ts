/** Whether a list that grows keeps its end in sight: until its user leaves the end, and again once they are back. Pure. */

/** Within so many pixels of the end one is at the end. */
const AT_END_PX = 40;

export class EndFollower {
  private isFollowing = true;
  private offset = 0;
  /** Of the whole list, less what is in sight of it. */
  private size = 0;
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
   * What it measures anew makes it shorter where that moves it towards the beginning; where it is as long as before, or
   * has grown meanwhile, somebody wants to be there. Returns whether the end is still to be followed.
   */
  moved(offset: number, left: number): boolean {
    const isAway = offset < this.offset && left > AT_END_PX;
    const isShorter = offset + left < this.size - 1;
    this.put(offset, left);
    if (isAway && (!isShorter || this.direction === "either")) {
      this.isFollowing = false;
      this.direction ??= "either";
    } else if (this.direction !== "up" && this.direction !== null && left <= AT_END_PX) {
      this.isFollowing = true;
    }
    return this.isFollowing;
  }

  goToEnd(): void {
    this.isFollowing = true;
    this.direction = null;
  }
}
