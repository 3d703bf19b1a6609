import { ArrowDown } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";

import type { SessionBody } from "@/api/types";
import { classes } from "@/ui/classes";
import { Empty, Loading } from "@/ui/states";

import { EndFollower } from "../end_follower";
import { SessionContext } from "../folding";
import { useOutbox } from "../outbox";
import { useConversation } from "../store";
import { ConnectionNotice } from "./ConnectionNotice";
import { ItemView } from "./ItemView";
import { OutgoingView } from "./OutgoingView";
import { WorkingView } from "./WorkingView";

/** Keys that lead towards the beginning. */
const UPWARDS = ["ArrowUp", "PageUp", "Home"];
const KEYS = new Set([...UPWARDS, "ArrowDown", "PageDown", "End", " "]);

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
  const count = items.length + outbox.length + 1;

  // Set on the element itself: the list's own way to an item goes on for a while, against a user who turns away.
  const followEnd = () => {
    const scroller = frame.current?.firstElementChild;
    if (scroller && follower.follows) scroller.scrollTop = scroller.scrollHeight;
  };
  const goToEnd = () => {
    follower.goToEnd();
    followEnd();
  };

  // What grows pushes its end out of sight; who was there follows it.
  useLayoutEffect(followEnd);

  const onScroll = (offset: number) => {
    const handle = list.current;
    if (handle === null) return;
    follower.moved(offset, handle.scrollSize - handle.viewportSize - offset);
    setHasMoreBelow(!follower.follows);
  };
  const turn = (isUp: boolean) => {
    if (isUp) follower.turnedUp();
    else follower.turnedDown();
  };

  if (!isLoaded && session.events > 0) return <Loading label="Loading the conversation" />;
  return (
    <SessionContext value={session.id}>
      <div ref={frame} className="relative min-h-0 flex-1">
        {count === 1 ? (
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
            bufferSize={600}
            onScroll={onScroll}
            onScrollEnd={followEnd}
            onResize={followEnd}
            onWheel={(event) => turn(event.deltaY < 0)}
            onTouchStart={(event) => (finger.current = event.touches[0]?.clientY ?? 0)}
            onTouchMove={(event) => turn((event.touches[0]?.clientY ?? 0) > finger.current)}
            onKeyDown={(event) => KEYS.has(event.key) && turn(UPWARDS.includes(event.key))}
            onPointerDown={() => follower.touched()}
            className="h-full [scrollbar-gutter:stable_both-edges] focus-visible:outline-offset-[-2px]"
          >
            {items.map((item, index) => (
              <Row key={item.key} isFirst={index === 0}>
                <ItemView item={item} />
              </Row>
            ))}
            {outbox.map((outgoing) => (
              <Row key={`message-${outgoing.message.id}`}>
                <OutgoingView session={session.id} outgoing={outgoing} />
              </Row>
            ))}
            <Row key="end">
              <WorkingView session={session} conversation={conversation} />
            </Row>
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

function Row({ isFirst = false, children }: { isFirst?: boolean; children: React.ReactNode }) {
  return <div className={classes("mx-auto max-w-3xl px-4 md:px-6", isFirst && "pt-4")}>{children}</div>;
}
