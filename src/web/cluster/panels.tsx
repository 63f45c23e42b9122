/** What the nodes share: the lease, the broker, the database. */
import { Cable, Crown, Database } from 'lucide';
import type { ComponentChildren } from 'preact';
import { Icon } from '../shared/icon.tsx';
import { dateAndTime } from '../shared/time.ts';
import { ActionButton } from './action-button.tsx';
import type { Question } from './confirm-dialog.tsx';
import { bytes, decimal, integer } from './figures.ts';
import { handOverTarget, type Overview } from './wire.ts';
import { language, words } from './words.ts';

export function LeasePanel({ overview, onAsk }: { readonly overview: Overview; readonly onAsk: (question: Question) => void }) {
  const { lease, leader } = overview;
  const target = handOverTarget(overview);
  const isCluster = overview.nodes.some(({ mode }) => mode !== 'single');
  const says = words.lease;
  return (
    <Panel title={says.title} icon={Crown}>
      <dl>
        <Row name={says.holder}>
          <strong data-lease="holder">{leader ?? says.nobody}</strong>
        </Row>
        {lease !== null && (
          <>
            <Row name={says.reason}>{says.reasons[lease.reason] ?? lease.reason}</Row>
            <Row name={says.token}>{integer(lease.token)}</Row>
            <Row name={says.expires}>{says.inSeconds(decimal(lease.expiresInMs / 1_000))}</Row>
          </>
        )}
      </dl>
      {isCluster && (
        <footer class="actions">
          <ActionButton
            action="handover"
            node={target?.node ?? leader ?? ''}
            isPossible={target !== undefined}
            onAsk={action =>
              target !== undefined &&
              onAsk({ action, node: target.node, facts: { leads: false, isConfigured: true, leader: leader ?? '' } })
            }
          />
          <p class="hint">{lease?.promoted === true ? says.promoted : target === undefined ? says.nothingToHandOver : ''}</p>
        </footer>
      )}
    </Panel>
  );
}

export function BrokerPanel({ broker }: Pick<Overview, 'broker'>) {
  const says = words.broker;
  return (
    <Panel title={says.title} icon={Cable}>
      <dl>
        <Row name={says.transport}>{says.transports[broker.transport] ?? broker.transport}</Row>
        {broker.transport !== 'none' && (
          <Row name={says.state}>
            <span class={broker.connected ? 'state good' : 'state warn'}>{broker.connected ? says.connected : says.away}</span>
          </Row>
        )}
        {broker.host !== null && <Row name={says.place}>{broker.host}</Row>}
      </dl>
    </Panel>
  );
}

export function DatabasePanel({ database, revision, epochs = [] }: Pick<Overview, 'database' | 'revision' | 'epochs'>) {
  const says = words.database;
  const [epoch] = epochs;
  return (
    <Panel title={says.title} icon={Database}>
      <dl>
        <Row name={says.version}>{database.version}</Row>
        <Row name={says.kind}>
          <span class={database.isReplica ? 'state bad' : 'state good'}>{database.isReplica ? says.replica : says.primary}</span>
        </Row>
        <Row name={says.place}>{database.host === 'embedded' ? says.embedded : database.host}</Row>
        <Row name={says.connections}>{integer(database.connections)}</Row>
        <Row name={says.size}>{bytes(database.sizeBytes)}</Row>
        <Row name={says.revision}>{revision}</Row>
        {epoch !== undefined && (
          <Row name={says.epoch}>
            <span data-epoch={epoch.epoch}>
              {dateAndTime(Date.parse(epoch.openedAt) / 1_000, language)}: {says.epochReasons[epoch.reason] ?? epoch.reason}
            </span>
          </Row>
        )}
      </dl>
    </Panel>
  );
}

interface PanelProps {
  readonly title: string;
  readonly icon: typeof Crown;
  readonly children: ComponentChildren;
}

function Panel({ title, icon, children }: PanelProps) {
  return (
    <section class="panel">
      <h3>
        <Icon of={icon} />
        {title}
      </h3>
      {children}
    </section>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
