/** The desk of one operator: head, lists, chat and card; on a phone one of them at a time. */
import { useEffect } from 'preact/hooks';
import { setOwnStatus } from '../actions.ts';
import { cardIsShown } from '../layout.ts';
import { route } from '../route.ts';
import { listenForShortcuts } from '../shortcuts.ts';
import { useStore } from '../store.ts';
import { words } from '../words.ts';
import { Card } from './card.tsx';
import { ChatPane } from './chat-pane.tsx';
import { Dialogs } from './dialogs.tsx';
import { Side } from './side.tsx';
import { Toasts } from './toasts.tsx';
import { TopBar } from './top-bar.tsx';

export function Desk({ onLogOut }: { readonly onLogOut: () => void }) {
  const store = useStore();
  useEffect(() => listenForShortcuts(store), [store]);
  return (
    <div class={`desk screen-${route.value.screen}${cardIsShown.value ? ' with-card' : ''}`}>
      <TopBar onLogOut={onLogOut} />
      <OfflineHint />
      <main class="columns">
        <Side />
        <ChatPane />
        <Card />
      </main>
      <Dialogs />
      <Toasts />
      <p class="visually-hidden" aria-live="polite">
        {store.announced.value}
      </p>
    </div>
  );
}

/** Why nothing comes, and how to change it. */
function OfflineHint() {
  const store = useStore();
  const me = store.me.value;
  if (me === undefined || store.sortOf(me) !== 'offline') return null;
  const takes = store.state.value.statuses.find(({ sort }) => sort === 'takes');
  const why = { 'connection-lost': words.lostHint, supervisor: words.bySupervisor }[me.statusReason];
  return (
    <p class="offline-hint">
      {why} {words.offlineHint}
      {takes !== undefined && (
        <button type="button" class="primary" onClick={() => void setOwnStatus(takes.name)}>
          {words.goOnline}
        </button>
      )}
    </p>
  );
}
