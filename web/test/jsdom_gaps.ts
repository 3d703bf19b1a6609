/** What browsers have and jsdom lacks, as far as our components touch it. */
export function fillGapsOfJsdom(): void {
  fill(window, "matchMedia", (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
  }));
  fill(globalThis, "ResizeObserver", SilentObserver);
  fill(Element.prototype, "scrollIntoView", () => {});
  fill(Element.prototype, "hasPointerCapture", () => false);
  fill(Element.prototype, "releasePointerCapture", () => {});
}

class SilentObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

function fill(where: object, name: string, what: unknown): void {
  if (Reflect.get(where, name) === undefined)
    Object.defineProperty(where, name, { value: what, writable: true, configurable: true });
}
