/** The messages, older ones as one scrolls up, and behind them whatever is asked of the visitor. */
import { useComputed, useSignal } from '@preact/signals';
import { ArrowDown } from 'lucide';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../shared/icon.tsx';
import { dayName } from '../../shared/time.ts';
import { loadOlderMessages } from '../actions.ts';
import { site } from '../site.ts';
import { type Row, rowsOf } from '../timeline.ts';
import { useStore } from './context.ts';
import { MessageRow } from './message-row.tsx';
import { OfflineForm } from './offline-form.tsx';
import { PrechatForm } from './prechat-form.tsx';
import { RatingCard } from './rating-card.tsx';
import { SurveyCard } from './survey-card.tsx';
import { UnsentRow, UploadRow } from './unsent-row.tsx';

/** So near to the end is at the end. */
const AT_END_PIXELS = 60;
/** So near to the beginning older messages are asked for. */
const AT_BEGINNING_PIXELS = 200;

export function Timeline() {
  const store = useStore();
  const { conversation, outbox, uploads, words, asksBefore, asksOffline, asksRating, canWrite } = store;
  const { messages, history, survey, greeting, chat } = conversation.value;
  const rows = useComputed(() => rowsOf(conversation.value.messages, outbox.entries.value, uploads.list.value)).value;
  const place = useScrollPlace(messages[0]?.id, outbox.entries.value.length + uploads.list.value.length);
  const isLoading = useSignal(false);

  const scrolled = async (): Promise<void> => {
    if (!place.isNearBeginning() || isLoading.value || history !== 'has-more') return;
    isLoading.value = true;
    await loadOlderMessages(store);
    isLoading.value = false;
  };
  return (
    <div class="timeline-frame">
      <div
        class="timeline"
        ref={place.scroller}
        tabIndex={0}
        role="region"
        aria-label={words.messages}
        onScroll={() => {
          place.scrolled();
          void scrolled();
        }}
      >
        <div ref={place.content} class="timeline-content">
          {isLoading.value && <p class="line">{words.loading}</p>}
          {greeting !== '' && rows.length === 0 && <p class="bubble theirs greeting">{greeting}</p>}
          {greeting === '' && rows.length === 0 && canWrite.value && history !== 'not-loaded' && (
            <p class="line welcome">{words.welcome}</p>
          )}
          <ol class="rows">{rows.map(row => renderRow(row))}</ol>
          {chat?.state.startsWith('closed') === true && <p class="line">{words.chatEnded}</p>}
          {chat?.operatorTyping === true && <TypingDots name={chat.operator?.fullname ?? ''} />}
          {asksRating.value && <RatingCard />}
          {survey !== null && <SurveyCard survey={survey} />}
          {asksBefore.value && <PrechatForm />}
          {asksOffline.value && <OfflineForm />}
        </div>
      </div>
      {!place.isAtEnd.value && (
        <button type="button" class="icon-button to-end" aria-label={words.scrollDown} onClick={place.toEnd}>
          <Icon of={ArrowDown} />
        </button>
      )}
    </div>
  );
}

function renderRow(row: Row) {
  switch (row.is) {
    case 'day':
      return <DayLine key={row.key} ts={row.ts} />;
    case 'message':
      return <MessageRow key={row.key} message={row.message} isFirst={row.isFirst} />;
    case 'unsent':
      return <UnsentRow key={row.key} unsent={row.unsent} />;
    case 'upload':
      return <UploadRow key={row.key} upload={row.upload} />;
  }
}

function DayLine({ ts }: { readonly ts: number }) {
  const { options, calls } = useStore();
  return <li class="line day">{dayName(ts, options.language, calls.nowMs / 1_000)}</li>;
}

function TypingDots({ name }: { readonly name: string }) {
  const { words } = useStore();
  return (
    <p class="typing">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {words.isTyping(name)}
    </p>
  );
}

/**
 * Who is at the end stays there, whatever comes or grows; whoever reads further up stays where he reads, also when older messages
 * come above. What he says himself (`ownCount` grows) brings him to the end.
 */
function useScrollPlace(firstId: string | undefined, ownCount: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isAtEnd = useSignal(true);
  const before = useRef({ firstId, ownCount, height: 0, top: 0 });

  const toEnd = (): void => {
    isAtEnd.value = true;
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  };
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const { firstId: oldFirst, ownCount: oldCount, height } = before.current;
    if (ownCount > oldCount) toEnd();
    else if (firstId !== oldFirst && oldFirst !== undefined && !isAtEnd.value) element.scrollTop += element.scrollHeight - height;
    before.current = { firstId, ownCount, height: element.scrollHeight, top: element.scrollTop };
  });
  useEffect(() => {
    const [outer, inner] = [scroller.current, content.current];
    if (outer === null || inner === null) return undefined;
    const observer = new site.ResizeObserver(() => {
      if (isAtEnd.value) toEnd();
      before.current.height = outer.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(outer);
    return () => observer.disconnect();
  }, []);
  return {
    scroller,
    content,
    isAtEnd,
    toEnd,
    scrolled: () => {
      const element = scroller.current;
      if (element === null) return;
      const { scrollTop } = element;
      // The event comes late: that there is more below by now does not mean that he has gone away from the end.
      if (element.scrollHeight - scrollTop - element.clientHeight < AT_END_PIXELS) isAtEnd.value = true;
      else if (scrollTop < before.current.top) isAtEnd.value = false;
      before.current.top = scrollTop;
    },
    isNearBeginning: () => (scroller.current?.scrollTop ?? Infinity) < AT_BEGINNING_PIXELS,
  };
}
