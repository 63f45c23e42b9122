/** Canned answers that are offered while the text begins with "/": chosen by arrows and Enter, or by a click. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { type CannedAnswer, findCanned } from '../canned.ts';
import type { Chat } from '../wire.ts';
import { words } from '../words.ts';

export interface OfferedCanned {
  readonly isOpen: boolean;
  readonly answers: readonly CannedAnswer[];
  readonly active: CannedAnswer | undefined;
  choose(answer: CannedAnswer): void;
  /** Was this key meant for the list? */
  onKeyDown(event: KeyboardEvent): boolean;
}

const ASK_AFTER_MS = 120;
const BEGINNING = /^\/(\S*)$/;

export function useCanned(text: Signal<string>, isWanted: boolean, chat: Chat, insert: (text: string) => void): OfferedCanned {
  const answers = useSignal<readonly CannedAnswer[] | null>(null);
  const at = useSignal(0);
  /** The text for which he wants no list. */
  const refused = useSignal('');
  const { departmentKey, lang } = chat;

  useSignalEffect(() => {
    const query = isWanted && text.value !== refused.value ? BEGINNING.exec(text.value)?.[1] : undefined;
    if (query === undefined) {
      answers.value = null;
      return undefined;
    }
    let isOutdated = false;
    const timer = setTimeout(() => {
      findCanned({ query, lang, departmentKey: departmentKey ?? '' }).then(
        found => {
          if (isOutdated) return;
          answers.value = found;
          at.value = 0;
        },
        () => undefined, // he can write by himself
      );
    }, ASK_AFTER_MS);
    return () => {
      isOutdated = true;
      clearTimeout(timer);
    };
  });

  const found = answers.value ?? [];
  const isOpen = answers.value !== null;
  const active = found[at.value];
  const move = (step: number): void => {
    at.value = (at.value + step + found.length) % Math.max(1, found.length);
  };
  const choose = (answer: CannedAnswer): void => insert(answer.text);
  return {
    isOpen,
    answers: found,
    active,
    choose,
    onKeyDown(event) {
      if (!isOpen || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return false;
      if (event.key === 'ArrowDown') move(1);
      else if (event.key === 'ArrowUp') move(-1);
      else if (event.key === 'Escape') refused.value = text.value;
      else if ((event.key === 'Enter' || event.key === 'Tab') && active !== undefined) choose(active);
      else return false;
      event.preventDefault();
      return true;
    },
  };
}

export function optionId(listId: string, answerId: number): string {
  return `${listId}-${answerId}`;
}

export function CannedList({ id, canned }: { readonly id: string; readonly canned: OfferedCanned }) {
  return (
    <div id={id} class="canned-list" role="listbox" aria-label={words.canned}>
      {canned.answers.map(answer => (
        <div
          key={answer.id}
          id={optionId(id, answer.id)}
          role="option"
          aria-selected={answer === canned.active}
          ref={option => {
            if (answer === canned.active) option?.scrollIntoView({ block: 'nearest' });
          }}
          onMouseDown={event => event.preventDefault()}
          onClick={() => canned.choose(answer)}
        >
          <b>/{answer.shortcut}</b>
          <span>{answer.text}</span>
        </div>
      ))}
      {canned.answers.length === 0 && (
        <p role="option" aria-disabled aria-selected={false} class="muted">
          {words.cannedEmpty}
        </p>
      )}
    </div>
  );
}
