/** One chat in a list, of a fixed height: who, what was said last, for how long he waits, and whether it calls for attention. */
import { isUnreadFor, belongsTo, waitsSince } from '../lists.ts';
import { useStore } from '../store.ts';
import { messageSummary } from '../summary.ts';
import { type Chat, isFromVisitor } from '../wire.ts';
import { fill, language, words } from '../words.ts';
import { shortTime } from '../../shared/time.ts';
import { Avatar } from './avatar.tsx';
import { Since } from './since.tsx';
import { VisitorName } from './verified-mark.tsx';

export const ROW_HEIGHT = 76;

export interface ChatRowProps {
  readonly chat: Chat;
  readonly id: string;
  /** From the top of the list, in pixels. */
  readonly top: number;
  readonly position: number;
  readonly total: number;
  readonly isActive: boolean;
}

export function ChatRow({ chat, id, top, position, total, isActive }: ChatRowProps) {
  const store = useStore();
  const { myId } = store.state.value;
  const isSelected = store.selectedId.value === chat.id;
  const isGone = !store.state.value.chats.has(chat.id) || !belongsTo(chat, store.tab.value, myId);
  const isUnread = !isGone && isUnreadFor(chat, myId);
  return (
    <div
      id={id}
      role="option"
      aria-selected={isSelected}
      aria-setsize={total}
      aria-posinset={position}
      class={`row${isSelected ? ' selected' : ''}${isActive ? ' active' : ''}${isUnread ? ' unread' : ''}${isGone ? ' gone' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => store.open(chat.id)}
    >
      <Avatar visitor={chat.visitor} />
      <span class="row-name">
        <span class="row-who">
          <VisitorName visitor={chat.visitor} />
        </span>
        {chat.departmentKey !== null && <span class="tag">{store.nameOfDepartment(chat.departmentKey)}</span>}
      </span>
      <span class="row-time">
        <Waiting chat={chat} />
      </span>
      <span class="row-text">
        {isGone ? (
          words.gone
        ) : store.typingIn(chat.id) !== undefined ? (
          <TypingDots label={words.typing} />
        ) : (
          <LastWords chat={chat} myId={myId} />
        )}
      </span>
      <span class="row-mark">
        {isUnread && (
          <span class="dot">
            <span class="visually-hidden">{words.unread}</span>
          </span>
        )}
      </span>
    </div>
  );
}

export function TypingDots({ label }: { readonly label: string }) {
  return (
    <span class="typing-dots">
      {label}
      <i />
      <i />
      <i />
    </span>
  );
}

function Waiting({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const since = waitsSince(chat);
  if (store.tab.value === 'assigned' && chat.assignedTs !== null) return <Since ts={chat.assignedTs} />;
  if (since !== null) return <Since ts={since} />;
  return <>{shortTime(chat.lastMessage?.ts ?? chat.modificationTs, language)}</>;
}

function LastWords({ chat, myId }: { readonly chat: Chat; readonly myId: number }) {
  const store = useStore();
  const { lastMessage, operatorId, assignedOperatorId } = chat;
  const owner =
    operatorId !== null && operatorId !== myId
      ? fill(words.withOperator, { name: store.nameOfOperator(operatorId) })
      : assignedOperatorId !== null && assignedOperatorId !== myId
        ? fill(words.askedOperator, { name: store.nameOfOperator(assignedOperatorId) })
        : '';
  const said = lastMessage === null ? '' : messageSummary(lastMessage);
  const text = lastMessage !== null && !isFromVisitor(lastMessage) && operatorId === myId ? fill(words.youPrefix, { text: said }) : said;
  return (
    <>
      {owner !== '' && <b>{owner} · </b>}
      {text}
    </>
  );
}
