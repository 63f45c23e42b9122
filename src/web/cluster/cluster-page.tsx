/** The cluster, live: how it is in one sentence, its nodes, who leads, broker and database. */
import { useSignal } from '@preact/signals';
import { CircleAlert, CircleCheck, LogOut, MessagesSquare, Network, TriangleAlert } from 'lucide';
import { Icon } from '../shared/icon.tsx';
import type { LoggedInOperator } from '../shared/login.tsx';
import { ConfirmDialog, type Question } from './confirm-dialog.tsx';
import { type Headline, headlineOf, type Tone } from './headline.ts';
import { NodeCard } from './node-card.tsx';
import { BrokerPanel, DatabasePanel, LeasePanel } from './panels.tsx';
import { logOut, store } from './store.ts';
import { language, words } from './words.ts';

const TONE_ICONS: Readonly<Record<Tone, typeof CircleCheck>> = { good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };

export function ClusterPage({ operator }: { readonly operator: LoggedInOperator }) {
  const question = useSignal<Question | null>(null);
  const overview = store.overview.value;
  const isFresh = store.isFresh.value;
  const ask = (asked: Question): void => {
    question.value = asked;
  };
  return (
    <>
      <header class="bar">
        <h1>
          <Icon of={Network} size="1.4em" />
          {words.heading}
        </h1>
        <StateLine />
        <span class="who">{operator.fullname}</span>
        <a class="button" href="operator" title={words.console}>
          <Icon of={MessagesSquare} />
          <span class="wide">{words.console}</span>
        </a>
        <button onClick={() => void logOut()} title={words.logOut}>
          <Icon of={LogOut} />
          <span class="wide">{words.logOut}</span>
        </button>
      </header>
      <main class={isFresh || overview === null ? 'cluster' : 'cluster stale'}>
        {overview === null ? (
          <p class="loading">{store.isAway.value ? words.neverAnswered : words.loading}</p>
        ) : (
          <>
            <HeadlineBand headline={headlineOf(overview, words)} />
            <p class="asked" role="status">
              {store.asked.value}
            </p>
            <section aria-label={words.nodes} class="nodes">
              {overview.nodes.map(node => (
                <NodeCard key={node.node} node={node} overview={overview} history={store.histories.value.get(node.node)} onAsk={ask} />
              ))}
            </section>
            <div class="panels">
              <LeasePanel overview={overview} onAsk={ask} />
              <BrokerPanel broker={overview.broker} />
              <DatabasePanel database={overview.database} revision={overview.revision} epochs={overview.epochs ?? []} />
            </div>
          </>
        )}
      </main>
      {question.value !== null && <ConfirmDialog question={question.value} onClose={() => (question.value = null)} />}
    </>
  );
}

function HeadlineBand({ headline }: { readonly headline: Headline }) {
  return (
    <>
      <h2 class={`headline ${headline.tone}`}>
        <Icon of={TONE_ICONS[headline.tone]} size="1.5em" />
        <span>{headline.text}</span>
      </h2>
      <p class="visually-hidden" role="status">
        {headline.spoken}
      </p>
    </>
  );
}

/** Is what is shown of this moment? */
function StateLine() {
  const isFresh = store.isFresh.value;
  const answeredMs = store.answeredMs.value;
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' }).format(answeredMs);
  return (
    <span class={isFresh ? 'live' : 'live off'} role="status">
      {isFresh ? words.live : answeredMs === 0 ? '' : words.noAnswer(time)}
    </span>
  );
}
