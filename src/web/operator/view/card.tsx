/** The right side: what is known of the visitor, where he is, his visits and his earlier chats. */
import { useSignal } from '@preact/signals';
import { ArrowLeft, ExternalLink, ShieldBan, ShieldCheck, X } from 'lucide';
import { useEffect } from 'preact/hooks';
import { get } from '../../shared/api.ts';
import { Icon } from '../../shared/icon.tsx';
import { dateAndTime, shortTime } from '../../shared/time.ts';
import { act, supervises } from '../actions.ts';
import { cardIsShown } from '../layout.ts';
import { goUp } from '../route.ts';
import { useStore } from '../store.ts';
import { messageSummary } from '../summary.ts';
import type { Chat } from '../wire.ts';
import { count, explain, fill, language, words } from '../words.ts';
import { Avatar } from './avatar.tsx';
import { VerifiedMark, VisitorName } from './verified-mark.tsx';

interface VisitorCard {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly ban: { readonly until: number | null; readonly reason: string } | null;
  readonly visits: readonly {
    readonly visitSessionId: string;
    readonly fromTs: number;
    readonly toTs: number;
    readonly pages: number;
    readonly title: string | null;
    readonly url: string | null;
    readonly platform: string | null;
  }[];
  readonly chats: readonly Chat[];
}

export function Card() {
  const store = useStore();
  const chat = store.selected.value;
  if (chat === undefined) return null;
  return <CardOf key={chat.visitor.id} chat={chat} />;
}

function CardOf({ chat }: { readonly chat: Chat }) {
  const store = useStore();
  const { card, failure, reload } = useCard(chat.visitor.id);
  const fields = Object.entries({ ...card?.fields, ...chat.visitor.fields }).filter(([, value]) =>
    ['string', 'number'].includes(typeof value),
  );
  const verified = chat.visitor.verified ?? [];
  return (
    <aside class="card" aria-label={words.card}>
      <header>
        <button type="button" class="quiet only-card-screen" aria-label={words.back} onClick={goUp}>
          <Icon of={ArrowLeft} />
        </button>
        <h2>{words.card}</h2>
        <button
          type="button"
          class="quiet not-card-screen"
          aria-label={words.close}
          title={words.close}
          onClick={() => (cardIsShown.value = false)}
        >
          <Icon of={X} />
        </button>
      </header>
      <div class="card-who">
        <Avatar visitor={chat.visitor} />
        <b>
          <VisitorName visitor={chat.visitor} />
        </b>
      </div>
      {card?.ban && <Ban ban={card.ban} />}

      <h3>{words.cardFields}</h3>
      {fields.length === 0 && <p class="muted">{words.cardNoFields}</p>}
      <dl>
        {fields.map(([name, value]) => (
          <div key={name}>
            <dt>{words.fields[name] ?? name}</dt>
            <dd dir="auto">
              {String(value)}
              {verified.includes(name) && <VerifiedMark />}
            </dd>
          </div>
        ))}
        <div>
          <dt>{words.cardChannel}</dt>
          <dd>{chat.visitor.channel}</dd>
        </div>
        {chat.lang !== '' && (
          <div>
            <dt>{words.cardLanguage}</dt>
            <dd>{nameOfLanguage(chat.lang)}</dd>
          </div>
        )}
      </dl>

      {chat.page.url !== null && chat.page.url !== '' && (
        <>
          <h3>{words.cardPage}</h3>
          <p>
            <PageLink url={chat.page.url} title={chat.page.title} />
          </p>
        </>
      )}

      {failure !== '' && (
        <p class="failed">
          {failure}{' '}
          <button type="button" class="link" onClick={reload}>
            {words.retry}
          </button>
        </p>
      )}
      {card !== null && (
        <>
          <h3>{words.cardChats}</h3>
          <ul class="card-chats">
            {card.chats.map(other => (
              <li key={other.id}>
                <button type="button" class={other.id === chat.id ? 'current' : ''} onClick={() => store.open(other.id, other)}>
                  <span>{shortTime(other.creationTs, language)}</span>
                  <span>
                    {other.id === chat.id ? words.cardThisChat : other.lastMessage === null ? '' : messageSummary(other.lastMessage)}
                  </span>
                </button>
              </li>
            ))}
          </ul>
          <details class="visits">
            <summary>
              {words.cardVisits} ({card.visits.length})
            </summary>
            <ul>
              {card.visits.map(visit => (
                <li key={visit.visitSessionId}>
                  <span>{dateAndTime(visit.fromTs, language)}</span>
                  <span class="muted">
                    {count(visit.pages, words.cardPages)}
                    {visit.platform !== null && visit.platform !== '' && ` · ${visit.platform}`}
                  </span>
                  {visit.url !== null && visit.url !== '' && <PageLink url={visit.url} title={visit.title} />}
                </li>
              ))}
            </ul>
          </details>
          <footer>
            {card.ban === null && (store.isMine.value || supervises(store, chat)) && (
              <button type="button" class="danger" onClick={() => (store.dialog.value = 'ban')}>
                <Icon of={ShieldBan} size="1.1em" /> {words.ban}
              </button>
            )}
            {card.ban !== null && store.isSupervisor.value && (
              <button type="button" onClick={() => void act(store, 'visitor.unban', { visitorId: card.id }).then(reload)}>
                <Icon of={ShieldCheck} size="1.1em" /> {words.unban}
              </button>
            )}
          </footer>
        </>
      )}
    </aside>
  );
}

function Ban({ ban }: { readonly ban: NonNullable<VisitorCard['ban']> }) {
  return (
    <p class="banned">
      <b>{ban.until === null ? words.bannedForEver : fill(words.bannedUntil, { time: dateAndTime(ban.until, language) })}</b>
      {ban.reason !== '' && <span> {ban.reason}</span>}
    </p>
  );
}

function PageLink({ url, title }: { readonly url: string; readonly title: string | null }) {
  const name = title === null || title === '' ? url : title;
  if (!/^https?:\/\//i.test(url)) return <span title={url}>{name}</span>;
  return (
    <a href={url} title={url} target="_blank" rel="noopener noreferrer nofollow">
      {name} <Icon of={ExternalLink} size="0.9em" />
    </a>
  );
}

function nameOfLanguage(code: string): string {
  try {
    return new Intl.DisplayNames(language, { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Asked again when a ban has changed. */
function useCard(visitorId: string) {
  const store = useStore();
  const card = useSignal<VisitorCard | null>(null);
  const failure = useSignal('');
  const round = store.cardRound.value;
  useEffect(() => {
    let isOutdated = false;
    get<VisitorCard>('/l/o/visitor', { id: visitorId }).then(
      found => {
        if (isOutdated) return;
        card.value = found;
        failure.value = '';
      },
      (error: unknown) => {
        if (!isOutdated) failure.value = explain(error);
      },
    );
    return () => {
      isOutdated = true;
    };
  }, [visitorId, round, card, failure]);
  return { card: card.value, failure: failure.value, reload: () => void (store.cardRound.value += 1) };
}
