/** Whether a list that grows keeps its end in sight: until its user leaves the end, and again once they are back. Pure. */

/** Within so many pixels of the end one is at the end. */
const AT_END_PX = 40;

export class EndFollower {
  private isFollowing = true;
  private offset = 0;
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

  /** The list has moved, by its user or by itself as it measures: `left` pixels are below what is in sight. */
  moved(offset: number, left: number): void {
    const isUpwards = offset < this.offset;
    this.offset = offset;
    if (this.direction === "either" && isUpwards && left > AT_END_PX) this.isFollowing = false;
    else if (this.direction !== "up" && this.direction !== null && left <= AT_END_PX) this.isFollowing = true;
  }

  goToEnd(): void {
    this.isFollowing = true;
    this.direction = null;
  }
}
