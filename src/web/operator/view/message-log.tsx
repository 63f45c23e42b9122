/**
 * The messages of a chat, by days. Stays at the newest one while its reader is there; older ones are loaded above without
 * moving what he reads.
 */
import { useSignal } from '@preact/signals';
import { ArrowDown } from 'lucide';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { dayName } from '../../shared/time.ts';
import { useStore } from '../store.ts';
import type { Chat, Message } from '../wire.ts';
import { callVisitor, count, fill, language, words } from '../words.ts';
import { TypingDots } from './chat-row.tsx';
import { MessageView } from './message.tsx';
import { OutgoingView } from './outgoing.tsx';

/** So near to an end counts as being there. */
const NEAR_PX = 80;

export function MessageLog({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const log = store.log.value;
  const messages = log?.messages ?? [];
  const shown = new Set(messages.map(({ clientSideId }) => clientSideId));
  const outgoing = store.outbox.items.value.filter(item => item.chatId === chat.id && !shown.has(item.clientSideId));
  const hasOlder = log !== undefined && (log.hasOlder || !log.isLoaded);
  const { box, onScroll, isAtEnd, unseen, toEnd } = useScrolling(messages, outgoing.length, () => void store.loadOlder());
  return (
    <div class="log-frame">
      <div ref={box} class="log" role="log" aria-label={words.messages} aria-live="off" tabIndex={0} onScroll={onScroll}>
        <p class="log-beginning muted">{hasOlder ? words.loadingOlder : words.beginning}</p>
        {messages.map((message, i) => (
          <MessageInDay key={message.id} message={message} before={messages[i - 1]} chat={chat} />
        ))}
        {outgoing.map(item => (
          <OutgoingView key={item.clientSideId} item={item} />
        ))}
        <Typing chat={chat} />
      </div>
      {!isAtEnd && (
        <button type="button" class="to-end" aria-label={words.toNewest} title={words.toNewest} onClick={toEnd}>
          {unseen > 0 && count(unseen, words.newMessages)}
          <Icon of={ArrowDown} size="1rem" />
        </button>
      )}
    </div>
  );
}

function MessageInDay({ message, before, chat }: { readonly message: Message; readonly before: Message | undefined; readonly chat: Chat }) {
  const store = useStore();
  const day = dayName(message.ts, language, store.nowMs.peek() / 1_000);
  const isNewDay = before === undefined || dayName(before.ts, language, store.nowMs.peek() / 1_000) !== day;
  return (
    <>
      {isNewDay && (
        <h3 class="day">
          <span>{day}</span>
        </h3>
      )}
      <MessageView message={message} chat={chat} isFirst={isNewDay || !belongTogether(before, message)} />
    </>
  );
}

/** Words of one author that follow each other need his name once. */
function belongTogether(a: Message, b: Message): boolean {
  const isNote = (message: Message): boolean => message.kind === 'for_operator';
  return a.authorId === b.authorId && isNote(a) === isNote(b) && b.ts - a.ts < 300;
}

function Typing({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const visitor = store.typingIn(chat.id);
  const colleague = store.state.value.colleagueTyping.get(chat.id);
  return (
    <>
      {visitor !== undefined && (
        <div class="message theirs draft">
          <TypingDots label={fill(words.isTyping, { name: callVisitor(chat.visitor) })} />
          {visitor.draft !== null && <p>{visitor.draft}</p>}
        </div>
      )}
      {colleague !== undefined && (
        <div class="message mine draft">
          <TypingDots label={fill(words.isTyping, { name: store.nameOfOperator(colleague) })} />
        </div>
      )}
    </>
  );
}

function useScrolling(messages: readonly Message[], outgoing: number, loadOlder: () => void) {
  const box = useRef<HTMLDivElement>(null);
  const was = useRef({ height: 0, firstId: '', lastId: '', outgoing: 0, top: 0, isAtEnd: true });
  const isAtEnd = useSignal(true);
  const unseen = useSignal(0);
  const firstId = messages[0]?.id ?? '';
  const lastId = messages.at(-1)?.id ?? '';

  const toEnd = (): void => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  };

  // After each drawing: stay at the end, or where one reads.
  useLayoutEffect(() => {
    const log = box.current;
    if (log === null) return;
    const before = was.current;
    const isOlderAbove = before.firstId !== '' && firstId !== before.firstId && lastId === before.lastId;
    const wroteHimself = outgoing > before.outgoing;
    if (before.isAtEnd || wroteHimself) log.scrollTop = log.scrollHeight;
    else if (isOlderAbove) log.scrollTop = before.top + log.scrollHeight - before.height;
    else if (lastId !== before.lastId) {
      const seenUpTo = messages.findIndex(({ id }) => id === before.lastId);
      unseen.value += messages.length - 1 - seenUpTo;
    }
    was.current = { ...before, height: log.scrollHeight, firstId, lastId, outgoing, top: log.scrollTop };
    // A chat that does not fill its place cannot be scrolled up.
    if (messages.length > 0 && log.scrollHeight <= log.clientHeight) loadOlder();
  });

  // A picture that has come, a window that has changed: the end stays the end.
  useLayoutEffect(() => {
    const log = box.current;
    if (log === null) return undefined;
    const keep = (): void => {
      if (was.current.isAtEnd) log.scrollTop = log.scrollHeight;
    };
    const observer = new ResizeObserver(keep);
    observer.observe(log);
    log.addEventListener('load', keep, true);
    return () => {
      observer.disconnect();
      log.removeEventListener('load', keep, true);
    };
  }, []);

  const onScroll = (): void => {
    const log = box.current;
    if (log === null) return;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    was.current.isAtEnd = atEnd;
    was.current.top = log.scrollTop;
    was.current.height = log.scrollHeight;
    isAtEnd.value = atEnd;
    if (atEnd) unseen.value = 0;
    if (log.scrollTop < NEAR_PX) loadOlder();
  };

  return { box, onScroll, isAtEnd: isAtEnd.value, unseen: unseen.value, toEnd };
}
