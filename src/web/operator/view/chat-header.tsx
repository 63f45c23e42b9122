/** Whose chat it is, how it stands, and what can be done with it. */
import {
  ArrowLeft,
  ArrowRightLeft,
  Check,
  CircleHelp,
  Contact,
  EllipsisVertical,
  type IconNode,
  PanelRight,
  ShieldBan,
  Tag,
  Undo2,
  X,
} from 'lucide';
import { Icon } from '../../shared/icon.tsx';
import { act, closeChat, mayClose, releaseChat, takeChat } from '../actions.ts';
import { cardIsShown } from '../layout.ts';
import { goTo, goUp, route } from '../route.ts';
import { useStore } from '../store.ts';
import { type Chat, isClosed } from '../wire.ts';
import { words } from '../words.ts';
import { Avatar } from './avatar.tsx';
import { Menu } from './menu.tsx';
import { VisitorName } from './verified-mark.tsx';

export function ChatHeader({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const isLive = store.state.value.chats.has(chat.id) && !isClosed(chat);
  const [isMine, isForMe, mayMove] = [store.isMine.value, store.isAssignedToMe.value, mayClose(store, chat)];
  // On hold a chat is still somebody's: he takes it back.
  const mayTake = isLive && (chat.state === 'hold' ? isMine : chat.state === 'queue' && !isMine);
  return (
    <header class="pane-header">
      <button type="button" class="quiet only-narrow" aria-label={words.back} onClick={goUp}>
        <Icon of={ArrowLeft} />
      </button>
      <Avatar visitor={chat.visitor} />
      <div class="pane-title">
        <h2>
          <VisitorName visitor={chat.visitor} />
        </h2>
        <p class="muted">{describe()}</p>
      </div>
      <div class="pane-actions">
        {mayTake && <Action icon={Check} name={words.take} isPrimary onClick={() => void takeChat(store, chat.id)} />}
        {isForMe && <Action icon={Undo2} name={words.decline} onClick={() => void releaseChat(store, chat.id)} />}
        {isLive && mayMove && <Action icon={ArrowRightLeft} name={words.transfer} onClick={() => (store.dialog.value = 'transfer')} />}
        {isLive && mayMove && <Action icon={X} name={words.closeChat} onClick={() => void closeChat(store, chat)} />}
        <More chat={chat} isLive={isLive} />
        <button
          type="button"
          class="quiet"
          aria-label={words.showCard}
          title={words.showCard}
          aria-expanded={cardIsShown.value || route.value.screen === 'card'}
          onClick={() => showCard(chat.id)}
        >
          <Icon of={PanelRight} />
        </button>
      </div>
    </header>
  );

  function describe(): string {
    const state = words.states[chat.state] ?? chat.state;
    const who = chat.operatorId === null || chat.operatorId === store.state.value.myId ? undefined : store.nameOfOperator(chat.operatorId);
    const rating = chat.rating === null ? undefined : words.rated.replace('#', String(starsOf(chat.rating)));
    const department = chat.departmentKey === null ? undefined : store.nameOfDepartment(chat.departmentKey);
    return [state, who, department, chat.subject ?? chat.category, chat.offline ? words.offlineChat : undefined, rating]
      .filter(part => part !== undefined && part !== null)
      .join(' · ');
  }
}

/** The protocol's -2 … 2 as one to five. */
function starsOf(rating: number): number {
  return rating + 3;
}

/** Beside the chat where there is room, else a screen of its own. */
function showCard(chatId: number): void {
  if (matchMedia('(max-width: 64rem)').matches) goTo(chatId, 'card');
  else cardIsShown.value = !cardIsShown.value;
}

interface ActionProps {
  readonly icon: IconNode;
  readonly name: string;
  readonly onClick: () => void;
  readonly isPrimary?: boolean;
}

function Action({ icon, name, onClick, isPrimary = false }: ActionProps) {
  return (
    <button type="button" class={isPrimary ? 'action primary' : 'action'} title={name} onClick={onClick}>
      <Icon of={icon} size="1.1em" />
      <span>{name}</span>
    </button>
  );
}

/** What is needed less often. */
function More({ chat, isLive }: { readonly chat: Chat; readonly isLive: boolean }) {
  const store = useStore();
  const isMine = store.isMine.value;
  return (
    <Menu label={words.moreActions} button={<Icon of={EllipsisVertical} />}>
      {isLive && isMine && (
        <>
          <Choice icon={Undo2} name={words.release} onClick={() => void releaseChat(store, chat.id)} />
          <Choice
            icon={Contact}
            name={words.requestContacts}
            onClick={() => void act(store, 'chat.request_contacts', { chatId: chat.id })}
          />
          <Choice icon={Tag} name={words.subject} onClick={() => (store.dialog.value = 'subject')} />
        </>
      )}
      <Choice icon={CircleHelp} name={words.why} onClick={() => (store.dialog.value = 'why')} />
      {(isMine || store.isSupervisor.value) && <Choice icon={ShieldBan} name={words.ban} onClick={() => (store.dialog.value = 'ban')} />}
    </Menu>
  );
}

function Choice({ icon, name, onClick }: Omit<ActionProps, 'isPrimary'>) {
  return (
    <button type="button" onClick={onClick}>
      <Icon of={icon} /> {name}
    </button>
  );
}
