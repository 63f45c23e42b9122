/** One node: what it is, how it is, what it does, and what can be done with it. */
import type { ComponentChildren } from 'preact';
import { dateAndTime } from '../shared/time.ts';
import type { Question } from './confirm-dialog.tsx';
import { ActionButton } from './action-button.tsx';
import { bytes, decimal, integer } from './figures.ts';
import { type Figure, type History, rateOf } from './rates.ts';
import { Sparkline } from './sparkline.tsx';
import type { Action } from './store.ts';
import { type ClusterNode, isReady, type Overview } from './wire.ts';
import { language, words } from './words.ts';

const { facts } = words;
/** What colour says of a state, besides its word. */
const TONES: Readonly<Record<string, string>> = { running: 'good', dead: 'bad', paused: 'bad' };

export interface NodeCardProps {
  readonly node: ClusterNode;
  readonly overview: Overview;
  readonly history: History | undefined;
  readonly onAsk: (question: Question) => void;
}

export function NodeCard({ node, overview, history, onAsk }: NodeCardProps) {
  const { stats } = node;
  const isDead = node.state === 'dead';
  return (
    <article class="node" data-node={node.node} aria-label={node.node}>
      <header>
        <h3>{node.node}</h3>
        <span class={`role ${node.role}`}>{words.roles[node.role] ?? node.role}</span>
        <span class={`state ${TONES[node.state] ?? 'warn'}`}>{words.states[node.state] ?? node.state}</span>
      </header>
      {isDead && <p class="why bad">{facts.seen(node.seenSecondsAgo)}</p>}
      {node.reason !== null && !isDead && <p class="why">{node.reason}</p>}
      <div class="rates">
        <Rate figure="messages" name={facts.messages} history={isDead ? undefined : history} />
        <Rate figure="restCalls" name={facts.restCalls} history={isDead ? undefined : history} />
      </div>
      <dl>
        <Fact name={facts.connections}>
          {stats === null || isDead ? (
            facts.unknown
          ) : (
            <>
              {integer(stats.connections)} <small>{facts.webSockets(integer(stats.wsConnections))}</small>
            </>
          )}
        </Fact>
        <Fact name={facts.cpu}>{stats === null || isDead ? facts.unknown : `${decimal(stats.cpuPercent)} %`}</Fact>
        <Fact name={facts.memory}>{stats === null || isDead ? facts.unknown : bytes(stats.memoryBytes)}</Fact>
        <Fact name={facts.revision}>
          {node.revision} <small>{node.lag === 0 ? facts.upToDate : facts.behind(node.lag)}</small>
        </Fact>
        <Fact name={facts.upSince}>{isDead ? facts.unknown : dateAndTime(Date.parse(node.startedAt) / 1_000, language)}</Fact>
        <Fact name={facts.version}>{node.version}</Fact>
        <Fact name={facts.place}>
          {node.host}:{node.port} <small>{facts.process(node.pid)}</small>
        </Fact>
        {node.differs.length > 0 && (
          <div class="differs">
            <dt>{facts.differs}</dt>
            <dd>{node.differs.join(', ')}</dd>
          </div>
        )}
      </dl>
      {node.mode !== 'single' && <Actions node={node} overview={overview} onAsk={onAsk} />}
    </article>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Rate({ figure, name, history }: { readonly figure: Figure; readonly name: string; readonly history: History | undefined }) {
  const rate = rateOf(history, figure);
  return (
    <div class="rate">
      <span class="name">{name}</span>
      <span class="value" data-figure={figure}>
        {rate === undefined ? facts.unknown : decimal(rate)}
      </span>
      <Sparkline figure={figure} name={name} history={history} />
    </div>
  );
}

/** The same two buttons whatever happens, so that nobody's focus or finger loses its place. */
function Actions({ node, overview, onAsk }: Omit<NodeCardProps, 'history'>) {
  const leads = node.node === overview.leader;
  const othersReady = overview.nodes.some(other => other.node !== node.node && isReady(other));
  const ask = (action: Action): void =>
    onAsk({ action, node: node.node, facts: { leads, isConfigured: node.mode === 'master', leader: overview.leader ?? '' } });
  const turn = node.state === 'draining' ? 'undo-drain' : 'drain';
  return (
    <footer class="actions">
      <ActionButton action="promote" node={node.node} isPossible={isReady(node) && !leads} onAsk={ask} />
      <ActionButton action={turn} node={node.node} isPossible={turn === 'undo-drain' || (isReady(node) && othersReady)} onAsk={ask} />
    </footer>
  );
}
