/** The list of the chosen tab: only the rows in sight are drawn, and they stand still while somebody points at them. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import { useSignal } from '@preact/signals';
import { useEffect, useId, useLayoutEffect, useReducer, useRef } from 'preact/hooks';
import { useStore } from '../store.ts';
import { count, words } from '../words.ts';
import { ChatRow, ROW_HEIGHT } from './chat-row.tsx';

/** Rows. */
const NEAR_END = 20;

export function ChatList() {
  const store = useStore();
  const listId = useId();
  const active = useSignal<number | null>(null);
  const { ids, newCount } = store.shown.value;
  const { box, virtualizer } = useRows(ids.length);
  // Near its end a list goes on with what is not known yet; own chats are all known.
  const isAtEnd = (virtualizer.getVirtualItems().at(-1)?.index ?? 0) >= ids.length - NEAR_END;
  const hasMore = store.state.value.queueCursor !== null && !store.queueIsLoading.value;
  const goesOn = isAtEnd && hasMore && (store.tab.value === 'queue' || store.tab.value === 'all');
  useEffect(() => {
    if (goesOn) void store.loadQueue();
  }, [goesOn, ids.length]);

  const at = active.value === null ? -1 : ids.indexOf(active.value);
  const move = (to: number): void => {
    const index = Math.max(0, Math.min(ids.length - 1, to));
    active.value = ids[index] ?? null;
    virtualizer.scrollToIndex(index);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'ArrowDown') move(at + 1);
    else if (event.key === 'ArrowUp') move(at === -1 ? ids.length - 1 : at - 1);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(ids.length - 1);
    else if ((event.key === 'Enter' || event.key === ' ') && active.value !== null) store.open(active.value);
    else return;
    event.preventDefault();
  };

  return (
    <div class="list-frame">
      {newCount > 0 && (
        <button type="button" class="new-rows" onClick={() => store.releaseList()}>
          {count(newCount, words.newInList)}
        </button>
      )}
      <div
        ref={box}
        class="list"
        role="listbox"
        tabIndex={0}
        aria-label={words.tabTitles[store.tab.value]}
        aria-activedescendant={at === -1 ? undefined : `${listId}-${active.value}`}
        onKeyDown={onKeyDown}
      >
        <div role="presentation" style={{ height: `${ids.length * ROW_HEIGHT}px`, position: 'relative' }}>
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const id = ids[index];
            const chat = id === undefined ? undefined : store.chatOfRow(id);
            if (id === undefined || chat === undefined) return null;
            return (
              <ChatRow
                key={id}
                id={`${listId}-${id}`}
                chat={chat}
                top={start}
                position={index + 1}
                total={ids.length}
                isActive={active.value === id}
              />
            );
          })}
        </div>
      </div>
      {ids.length === 0 && (
        <p class="list-empty">{store.filter.value.trim() === '' ? words.emptyList[store.tab.value] : words.emptyFilter}</p>
      )}
    </div>
  );
}

function useRows(total: number) {
  const box = useRef<HTMLDivElement>(null);
  const [, drawAgain] = useReducer((times: number) => times + 1, 0);
  const made = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  const options = {
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    overscan: 6,
    onChange: () => drawAgain(undefined),
  };
  const virtualizer = (made.current ??= new Virtualizer<HTMLDivElement, Element>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return { box, virtualizer };
}
