/**
 * Items in their order, those of sub-agents within their call. What is still being written stands at the end of its
 * container until its event comes, so that the order is that of the events, whenever one begins to watch.
 */
import type { Item, ToolItem } from "./items";

export class Container {
  readonly done: Item[] = [];
  readonly live = new Map<string, Item>();
  /** The list of things to do that the running turn keeps here. */
  todoKey: string | null = null;

  constructor(readonly parentKey: string | null) {}

  all(): Item[] {
    return [...this.done, ...this.live.values()];
  }
}

export class Tree {
  readonly root = new Container(null);
  private readonly places = new Map<string, { container: Container; index: number }>();
  private readonly nested = new Map<string, Container>();
  private readonly dirty = new Set<Container>();
  private shown: readonly Item[] = [];

  /** Returns where things of a call belong; what names an unknown call belongs to the root. */
  container(parentKey: string | null): Container {
    if (parentKey === null || !this.places.has(parentKey)) return this.root;
    let container = this.nested.get(parentKey);
    if (container === undefined) {
      container = new Container(parentKey);
      this.nested.set(parentKey, container);
    }
    return container;
  }

  containers(): Iterable<Container> {
    return [this.root, ...this.nested.values()];
  }

  find(key: string): Item | null {
    const place = this.places.get(key);
    return place?.container.done[place.index] ?? null;
  }

  add(container: Container, item: Item): void {
    this.places.set(item.key, { container, index: container.done.length });
    container.done.push(item);
    this.dirty.add(container);
  }

  /** Puts what `change` returns in the place of an item; nothing if there is none. */
  change(key: string, change: (item: Item) => Item): void {
    const place = this.places.get(key);
    const item = place?.container.done[place.index];
    if (place === undefined || item === undefined) return;
    const changed = change(item);
    if (changed === item) return;
    place.container.done[place.index] = changed;
    this.dirty.add(place.container);
  }

  changeTool(key: string, change: (tool: ToolItem) => Item): void {
    this.change(key, (item) => (item.type === "tool" ? change(item) : item));
  }

  setLive(container: Container, item: Item): void {
    container.live.set(item.key, item);
    this.dirty.add(container);
  }

  dropLive(container: Container, isOver: (item: Item) => boolean): void {
    for (const [key, item] of container.live) {
      if (!isOver(item)) continue;
      container.live.delete(key);
      this.dirty.add(container);
    }
  }

  /** Returns everything at the top; the same array as before if nothing changed. */
  items(): readonly Item[] {
    if (this.dirty.size === 0) return this.shown;
    for (const container of [...this.dirty]) this.refresh(container);
    this.dirty.clear();
    this.shown = this.root.all();
    return this.shown;
  }

  private refresh(container: Container): void {
    if (container.parentKey === null) return;
    this.changeTool(container.parentKey, (tool) => ({ ...tool, children: container.all() }));
    const place = this.places.get(container.parentKey);
    if (place) this.refresh(place.container);
  }
}
