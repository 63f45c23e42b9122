/** Who is kept out, for the operators and supervisors of their departments. */
import type { Operator } from '../../domain/operator.ts';
import { toSeconds } from '../../domain/time.ts';
import { listedFields } from '../../protocol/operator-objects.ts';
import type { Parameters } from '../../protocol/parameters.ts';
import type { Services } from '../services.ts';
import { readableBy } from './rights.ts';

const BANS = 1_000;
/** When, and whose: as `banList` hands it out. */
const BAN_CURSOR = /^\d{1,16}-[\w]{1,100}$/;

/** Visitors who are kept out, of those whose chats this operator may read: a page of them. `cursor` is where the next one begins. */
export async function banList({ bans }: Services, operator: Operator, parameters: Parameters): Promise<object> {
  const [atUs, visitorId] = parameters.optionalText('cursor', { max: 120, pattern: BAN_CURSOR })?.split('-') ?? [];
  const before = atUs === undefined || visitorId === undefined ? undefined : { atUs: Number(atUs), visitorId };
  const { rows: list, hasMore } = await bans.list(readableBy(operator), BANS, before);
  const last = list.at(-1);
  return {
    result: 'ok',
    data: {
      bans: list.map(({ visitorId, fields, ban }) => ({
        visitorId,
        fields: listedFields(fields),
        until: ban.untilUs === null ? null : toSeconds(ban.untilUs),
        reason: ban.reason,
        by: ban.by,
        ts: toSeconds(ban.atUs),
      })),
      cursor: hasMore && last !== undefined ? `${last.ban.atUs}-${last.visitorId}` : null,
    },
  };
}
