/**
 * What is deleted when, one statement for each kind of row: at most LIMIT rows in a transaction that holds the lease's row, so
 * that a former master deletes nothing. Times are the database's.
 */
import type { RetentionStore } from '../ports/index.ts';
import type { Database } from './database.ts';
import { IS_OPEN } from './tables.ts';
import { underLease } from './under-lease.ts';

const LIMIT = 2_000;

export interface RetentionTimes {
  readonly logHours: number;
  readonly assignmentDays: number;
  /** 0: for ever. */
  readonly messageDays: number;
}

const beforeUs = (interval: string): string => `(extract(epoch from clock_timestamp() - interval '${interval}') * 1000000)::bigint`;
const before = (interval: string): string => `clock_timestamp() - interval '${interval}'`;

export function createRetention(database: Database, { logHours, assignmentDays, messageDays }: RetentionTimes): RetentionStore {
  const some = (table: string, where: string): string =>
    `delete from ${table} where ctid = any(array(select ctid from ${table} where ${where} limit ${LIMIT}))`;
  const old = `chat where not (${IS_OPEN}) and modified_us < ${beforeUs(`${messageDays} days`)} order by modified_us limit 200`;
  const statements: Readonly<Record<string, string>> = {
    // Never the newest row: revisions go on from it.
    changes: `delete from change_log where last_revision in (select last_revision from change_log
      where committed_at < ${before(`${logHours} hours`)} and last_revision < (select max(last_revision) from change_log)
      order by last_revision limit ${LIMIT})`,
    records: `update chat_history set record = null where ctid = any(array(select ctid from chat_history
      where at_us < ${beforeUs(`${assignmentDays} days`)} and record is not null limit ${LIMIT}))`,
    pages: some(
      'page',
      `seen_at < ${before('8 days')} or (replaced_at < ${before('2 days')} and seen_at < ${before('2 days')}) or ended_at < ${before('1 day')}`,
    ),
    // A visitor's visits without a page end with the day; what chats tell of them stays with the chats.
    'visit-sessions': some(
      'visit_session',
      `created_at < ${before('8 days')} and not exists (select from page where page.visit_session_id = visit_session.id)`,
    ),
    // Who never had a chat, has no page any more (those go 8 days after the last call) and has left nothing: a device that comes
    // back with the secret goes on as the same visitor, without rows. Behind an index of those who never had a chat.
    visitors: some(
      'visitor',
      `last_ts_us = 0 and ban is null and not (fields ? 'id') and created_at < ${before('8 days')}
         and not exists (select from page where page.visitor_id = visitor.id)
         and not exists (select from chat where chat.visitor_id = visitor.id)
         and not exists (select from file where file.visitor_id = visitor.id)`,
    ),
    'unsent-files': some(
      'file',
      `created_at < ${before('1 day')} and not exists (select from message m where m.sender = file.sender and m.client_side_id = file.client_side_id)`,
    ),
    'provided-tokens': some('provided_token', `provided_at < ${before('30 days')}`),
    'operator-sessions': some('operator_session', `expires_at < ${before('1 day')}`),
    'login-attempts': some('login_attempt', 'free_at < clock_timestamp()'),
    'login-places': some('login_place', `seen_at < ${before('30 days')}`),
    presence: some('operator_presence', `gone_at < ${before('1 day')}`),
    ...(messageDays === 0
      ? {}
      : {
          chats: `with old as (select id, visitor_id from ${old}),
            files as (delete from file f using message m, old where m.chat_id = old.id and m.visitor_id = old.visitor_id and f.sender = m.sender and f.client_side_id = m.client_side_id),
            messages as (delete from message m using old where m.visitor_id = old.visitor_id and m.chat_id = old.id),
            searched as (delete from searched_chat s using old where s.chat_id = old.id),
            history as (delete from chat_history h using old where h.chat_id = old.id)
            delete from chat using old where chat.id = old.id`,
        }),
  };
  return {
    kinds: Object.keys(statements),
    async deleteSome(kind, leaseToken) {
      const statement = statements[kind];
      if (statement === undefined) throw new Error(`nothing is known of ${kind}`);
      return underLease(database, leaseToken, async client => {
        const deleted = (await client.query(statement)).rowCount ?? 0;
        return { deleted, complete: deleted < (kind === 'chats' ? 200 : LIMIT) };
      });
    },
  };
}
