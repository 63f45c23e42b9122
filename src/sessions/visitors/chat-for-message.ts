/** How a visitor's words find their chat: his open one, the one that was closed a moment ago, or a new one. */
import type { ChatOpening } from '../../commands/start-chat.ts';
import type { Speaking } from '../../commands/send-visitor-message.ts';
import type { Reopening } from '../../commands/visitor-speaks.ts';
import { isOpenState } from '../../domain/chat.ts';
import { isOpen } from '../../domain/eligibility.ts';
import { headStartOf } from '../../domain/rules.ts';
import type { Page } from '../../domain/visitor.ts';
import type { Services } from '../services.ts';

type Sources = Pick<Services, 'rules' | 'replica' | 'messages' | 'nowUs' | 'limits' | 'newcomers'>;

export async function speakingOf(
  services: Sources,
  page: Page,
  wish: { readonly lang: string; readonly offline?: boolean },
): Promise<Speaking> {
  const { defaultMaxChats } = services.limits;
  const opening = openingOf(services, page, { departmentKey: null, ...wish });
  return { ...opening, defaultMaxChats, reopening: wish.offline === true ? undefined : await reopeningOf(services, page) };
}

/** What the server knows of a chat that is begun on this page; out of hours it is an offline chat. */
export function openingOf(
  { rules, nowUs }: Sources,
  page: Page,
  wish: { readonly departmentKey: string | null; readonly lang: string; readonly offline?: boolean },
): Omit<ChatOpening, 'clientSideId'> {
  const { departmentKey, lang, offline = false } = wish;
  return {
    page,
    departmentKey,
    lang,
    offline: offline || !isOpen(departmentKey, rules.assignment.departments, nowUs()),
    headStartSeconds: headStartOf(page.url, rules.headStarts),
  };
}

async function reopeningOf(
  { rules, replica, newcomers, messages, nowUs, limits }: Sources,
  { visitorId }: Page,
): Promise<Reopening | undefined> {
  const hasNone = replica.openChatOf(visitorId) !== undefined || newcomers.get(visitorId) !== undefined;
  if (rules.reopenUs === 0 || hasNone) return undefined;
  const last = await messages.findLastChat(visitorId);
  if (last === undefined || isOpenState(last.state) || nowUs() - last.modifiedUs > rules.reopenUs) return undefined;
  return {
    chatId: last.id,
    operatorId: last.operatorId,
    withinUs: rules.reopenUs,
    offline: !isOpen(last.departmentKey, rules.assignment.departments, nowUs()),
    defaultMaxChats: limits.defaultMaxChats,
  };
}
