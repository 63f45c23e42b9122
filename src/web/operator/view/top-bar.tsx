/** The head of the desk: connection, own status and load, search, team, and what belongs to the operator himself. */
import { CircleHelp, CircleUser, KeyRound, LogOut, MessageSquareText, MessagesSquare, Search, Users } from 'lucide';
import { duration } from '../../shared/time.ts';
import { Icon } from '../../shared/icon.tsx';
import { setOwnStatus } from '../actions.ts';
import { desktopIsOn, desktopIsPossible, soundIsOn, switchDesktop, switchSound } from '../notify.ts';
import { useStore } from '../store.ts';
import { say } from '../toasts.ts';
import { fill, language, words } from '../words.ts';
import { Menu } from './menu.tsx';
import { StatusDot } from './status-dot.tsx';

export function TopBar({ onLogOut }: { readonly onLogOut: () => void }) {
  const store = useStore();
  const me = store.me.value;
  return (
    <header class="top">
      <h1>
        <Icon of={MessagesSquare} size="1.4em" />
        <span>{words.product}</span>
      </h1>
      <Connection />
      <span class="spring" />
      <button
        type="button"
        class="quiet"
        aria-label={words.search}
        title={`${words.search} (Ctrl+K)`}
        onClick={() => (store.dialog.value = 'search')}
      >
        <Icon of={Search} />
      </button>
      {store.isSupervisor.value && (
        <button type="button" class="quiet" aria-label={words.team} title={words.team} onClick={() => (store.dialog.value = 'team')}>
          <Icon of={Users} />
        </button>
      )}
      {me !== undefined && (
        <>
          <span class="load" title={fill(words.myLoad, { load: me.chats, max: me.maxChats })}>
            <span class="visually-hidden">{fill(words.myLoad, { load: me.chats, max: me.maxChats })}</span>
            <span aria-hidden="true">
              {me.chats}/{me.maxChats}
            </span>
          </span>
          <OwnStatus />
          <Menu label={fill(words.menu, { name: me.fullname })} button={<Icon of={CircleUser} size="1.5rem" />}>
            <OwnMenu onLogOut={onLogOut} />
          </Menu>
        </>
      )}
    </header>
  );
}

/** Honest, and quiet while all is well. */
function Connection() {
  const store = useStore();
  const state = store.linkState.value;
  const text =
    state.kind === 'open'
      ? ''
      : state.kind === 'connecting'
        ? words.connecting
        : words.reconnecting.replace('#', duration(Math.max(0, Math.ceil((state.retryAtMs - store.nowMs.value) / 1_000)), language));
  return (
    <span class={`connection ${state.kind}`} role="status">
      {text}
    </span>
  );
}

function OwnStatus() {
  const store = useStore();
  const me = store.me.value;
  if (me === undefined) return null;
  /** What was refused is not shown as if it were so. */
  const change = async (field: HTMLSelectElement): Promise<void> => {
    if (!(await setOwnStatus(field.value))) field.value = store.me.peek()?.status ?? '';
  };
  return (
    <span class="own-status">
      <StatusDot sort={store.sortOf(me)} />
      <select aria-label={words.status} value={me.status} onChange={event => void change(event.currentTarget)}>
        {store.state.value.statuses.map(({ name, sort }) => (
          <option key={name} value={name} title={words.sorts[sort]}>
            {store.titleOfStatus(name)}
          </option>
        ))}
      </select>
    </span>
  );
}

function OwnMenu({ onLogOut }: { readonly onLogOut: () => void }) {
  const store = useStore();
  const me = store.me.value;
  return (
    <>
      <p class="menu-name">
        <b>{me?.fullname}</b>
        <span class="muted small">{me?.login}</span>
      </p>
      <label class="check">
        <input type="checkbox" role="switch" checked={soundIsOn.value} onChange={event => switchSound(event.currentTarget.checked)} />
        {words.sound}
      </label>
      <label class="check">
        <input
          type="checkbox"
          role="switch"
          checked={desktopIsOn.value}
          disabled={!desktopIsPossible}
          onChange={event => {
            const box = event.currentTarget;
            const wanted = box.checked;
            void switchDesktop(wanted).then(on => {
              box.checked = on;
              if (wanted && !on) say(words.desktopDenied, true);
            });
          }}
        />
        {words.desktop}
      </label>
      <hr />
      <button type="button" onClick={() => (store.dialog.value = 'canned')}>
        <Icon of={MessageSquareText} /> {words.canned}
      </button>
      <button type="button" onClick={() => (store.dialog.value = 'password')}>
        <Icon of={KeyRound} /> {words.password}
      </button>
      <button type="button" onClick={() => (store.dialog.value = 'help')}>
        <Icon of={CircleHelp} /> {words.help}
      </button>
      <hr />
      <button type="button" onClick={onLogOut}>
        <Icon of={LogOut} /> {words.logOut}
      </button>
    </>
  );
}
