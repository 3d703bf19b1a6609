import { ArrowDown } from "lucide-react";
import { useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";

import type { SessionBody } from "@/api/types";
import { classes } from "@/ui/classes";
import { Empty, Loading } from "@/ui/states";

import { EndFollower } from "../end_follower";
import { SessionContext } from "../folding";
import type { Item } from "../items";
import { type Outgoing, useOutbox } from "../outbox";
import { useConversation } from "../store";
import { ConnectionNotice } from "./ConnectionNotice";
import { ItemView } from "./ItemView";
import { OutgoingView } from "./OutgoingView";
import { WorkingView } from "./WorkingView";

/** Keys that lead towards the beginning. */
const UPWARDS = ["ArrowUp", "PageUp", "Home"];
const KEYS = new Set([...UPWARDS, "ArrowDown", "PageDown", "End", " "]);

/** So many rows fill a window, and a little more. */
const FIRST_SHOWN = 16;

type ConversationRow = Item | Outgoing | "end";

/** A session's conversation, however long: only what is in sight is drawn. */
export function ConversationView({ session }: { session: SessionBody }) {
  const conversation = useConversation(session.id);
  const outbox = useOutbox(session.id, conversation.messages);
  const list = useRef<VListHandle>(null);
  const [follower] = useState(() => new EndFollower());
  const frame = useRef<HTMLDivElement>(null);
  const finger = useRef(0);
  const [hasMoreBelow, setHasMoreBelow] = useState(false);

  const { items } = conversation;
  const isLoaded = conversation.newest >= session.events || conversation.newest > 0;
  const rows: readonly ConversationRow[] = [...items, ...outbox, "end"];
  const isEmpty = rows.length === 1;
  // Its end is drawn at once: else the list would draw its beginning first, and find the end by measuring.
  const [firstShown] = useState(() => lastIndexes(rows.length));

  // Set on the element itself: the list's own way to an item goes on for a while, against a user who turns away.
  const followEnd = () => {
    const scroller = frame.current?.firstElementChild;
    if (!scroller || !follower.follows) return;
    // The browser tells only later of where it went, as to what was searched for.
    if (!follower.moved(scroller.scrollTop, belowOf(scroller))) return;
    scroller.scrollTop = scroller.scrollHeight;
    follower.put(scroller.scrollTop, belowOf(scroller));
  };
  const goToEnd = () => {
    follower.goToEnd();
    followEnd();
  };

  // What grows pushes its end out of sight; who was there follows it. Rows grow by themselves, too, as they are measured.
  useLayoutEffect(followEnd);
  const follow = useEffectEvent(followEnd);
  useEffect(() => {
    const content = frame.current?.firstElementChild?.firstElementChild;
    if (!content) return;
    const watch = new ResizeObserver(follow);
    watch.observe(content);
    return () => watch.disconnect();
  }, [isEmpty]);

  const onScroll = (offset: number) => {
    const handle = list.current;
    if (handle === null) return;
    follower.moved(offset, handle.scrollSize - handle.viewportSize - offset);
    setHasMoreBelow(!follower.follows);
  };
  const onScrollEnd = () => {
    follower.rested();
    followEnd();
  };
  const turn = (isUp: boolean) => {
    if (isUp) follower.turnedUp();
    else follower.turnedDown();
  };

  if (!isLoaded && session.events > 0) return <Loading label="Loading the conversation" />;
  return (
    <SessionContext value={session.id}>
      <div ref={frame} className="relative min-h-0 flex-1">
        {isEmpty ? (
          <Empty title={session.label === "Starting" ? "The session starts" : "Nothing was said yet"}>
            Say what is to be done; it is kept and delivered once the sandbox is ready.
          </Empty>
        ) : (
          <VList
            key={session.id}
            ref={list}
            role="log"
            aria-label="Conversation"
            tabIndex={0}
            data={rows}
            keepMounted={firstShown}
            bufferSize={600}
            onScroll={onScroll}
            onScrollEnd={onScrollEnd}
            onResize={followEnd}
            onWheel={(event) => turn(event.deltaY < 0)}
            onTouchStart={(event) => (finger.current = event.touches[0]?.clientY ?? 0)}
            onTouchMove={(event) => turn((event.touches[0]?.clientY ?? 0) > finger.current)}
            onKeyDown={(event) => KEYS.has(event.key) && turn(UPWARDS.includes(event.key))}
            onPointerDown={() => follower.touched()}
            className="h-full [scrollbar-gutter:stable_both-edges] focus-visible:outline-offset-[-2px]"
          >
            {(row: ConversationRow, index) => (
              <Row key={keyOf(row)} isFirst={index === 0}>
                {row === "end" ? (
                  <WorkingView session={session} conversation={conversation} />
                ) : "message" in row ? (
                  <OutgoingView session={session.id} outgoing={row} />
                ) : (
                  <ItemView item={row} />
                )}
              </Row>
            )}
          </VList>
        )}
        <ConnectionNotice connection={conversation.connection} />
        {hasMoreBelow && (
          <button
            type="button"
            onClick={goToEnd}
            className="absolute bottom-3 left-1/2 flex h-8 -translate-x-1/2 animate-appear items-center gap-1.5 rounded-full border bg-raised px-3 text-xs font-medium shadow-float"
          >
            <ArrowDown className="size-3.5" aria-hidden /> Latest
          </button>
        )}
      </div>
    </SessionContext>
  );
}

function keyOf(row: ConversationRow): string {
  if (row === "end") return row;
  return "message" in row ? `message-${row.message.id}` : row.key;
}

function lastIndexes(count: number): number[] {
  const shown = Math.min(count, FIRST_SHOWN);
  return Array.from({ length: shown }, (_, index) => count - shown + index);
}

/** Returns how many pixels of a scroller are below what is in sight. */
function belowOf(scroller: Element): number {
  return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
}

function Row({ isFirst = false, children }: { isFirst?: boolean; children: React.ReactNode }) {
  return <div className={classes("mx-auto max-w-3xl px-4 md:px-6", isFirst && "pt-4")}>{children}</div>;
}
