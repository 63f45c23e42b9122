/** The left side: tabs with counts, a filter, and the list of the chosen tab. */
import { Search } from 'lucide';
import { useId, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { type Tab, TABS } from '../lists.ts';
import { useStore } from '../store.ts';
import { words } from '../words.ts';
import { ChatList } from './chat-list.tsx';

export function Side() {
  const store = useStore();
  const id = useId();
  const held = useHolding();
  return (
    <section class="side" aria-label={words.lists}>
      <Tabs panelId={id} />
      <label class="filter">
        <Icon of={Search} size="1rem" />
        <input
          type="search"
          aria-label={words.filter}
          placeholder={words.filter}
          value={store.filter.value}
          onInput={event => (store.filter.value = event.currentTarget.value)}
        />
      </label>
      <div id={id} role="tabpanel" class="side-panel" aria-label={words.tabTitles[store.tab.value]} {...held}>
        <ChatList />
      </div>
    </section>
  );
}

function Tabs({ panelId }: { readonly panelId: string }) {
  const store = useStore();
  const bar = useRef<HTMLDivElement>(null);
  const tabs = TABS.filter(tab => tab !== 'all' || store.isSupervisor.value);
  const choose = (tab: Tab | undefined): void => {
    if (tab === undefined) return;
    store.tab.value = tab;
    bar.current?.querySelector<HTMLElement>(`[data-tab=${tab}]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0 || event.altKey) return;
    event.preventDefault();
    choose(tabs[(tabs.indexOf(store.tab.value) + step + tabs.length) % tabs.length]);
  };
  return (
    <div ref={bar} class="tabs" role="tablist" aria-label={words.lists} onKeyDown={onKeyDown}>
      {tabs.map(tab => (
        <button
          key={tab}
          type="button"
          role="tab"
          data-tab={tab}
          title={words.tabTitles[tab]}
          aria-selected={store.tab.value === tab}
          aria-controls={panelId}
          tabIndex={store.tab.value === tab ? 0 : -1}
          class={tab === 'assigned' && store.counts.value.assigned > 0 ? 'calls' : ''}
          onClick={() => (store.tab.value = tab)}
        >
          {words.tabs[tab]} <span class="count">{store.countOf(tab)}</span>
        </button>
      ))}
    </div>
  );
}

/** Pointed at, or in it by keyboard. */
function useHolding() {
  const store = useStore();
  const by = useRef({ pointer: false, focus: false });
  const hold = (change: Partial<(typeof by)['current']>): void => {
    Object.assign(by.current, change);
    store.listIsHeld.value = by.current.pointer || by.current.focus;
  };
  return {
    onPointerEnter: () => hold({ pointer: true }),
    onPointerLeave: () => hold({ pointer: false }),
    onFocusIn: () => hold({ focus: true }),
    onFocusOut: () => hold({ focus: false }),
  };
}
