/**
 * The calls that visitors' apps repeat all day, polls and actions, answered on plain node:http in front of express: its
 * routers, its body parser and its header helpers took 30 % of a message's time. Odd forms of the same paths (a slash
 * at the end, OPTIONS) still come by express, which calls the same functions.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ChatError } from '../domain/error.ts';
import type { Page } from '../domain/visitor.ts';
import type { Parameters } from '../protocol/parameters.ts';
import { lightPage } from '../sessions/visitors/light-mode.ts';
import { poll } from '../delivery/poll.ts';
import { MAX_PAGE_ID } from '../sessions/visitors/rowless-page.ts';
import { readSince, resumePoint } from '../delivery/resume.ts';
import type { Services } from '../sessions/services.ts';
import { runVisitorAction } from '../sessions/visitors/actions.ts';
import { initVisitor } from '../sessions/visitors/init.ts';
import { reinit } from '../sessions/visitors/pages.ts';
import { VisitorView } from '../sessions/visitors/view.ts';
import type { BodyReader } from './body-reader.ts';
import type { AddressOf } from './client-address.ts';
import type { HeldPolls } from './held-polls.ts';
import { parametersOf } from './parameters.ts';
import { answerVisitorError, sendJson } from './respond.ts';
import type { UnreadAnswers } from './unread-answers.ts';

type Call = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface VisitorCallsOptions {
  readonly services: Services;
  readonly held: HeldPolls;
  readonly body: BodyReader;
  readonly unread: UnreadAnswers;
  readonly addressOf: AddressOf;
}

export interface VisitorCalls {
  readonly init: Call;
  readonly delta: Call;
  readonly action: Call;
  /** Answers what may be large: paced for each visitor, bounded while he does not read it. */
  read(request: IncomingMessage, response: ServerResponse, page: Page, make: () => Promise<object | string>): Promise<void>;
  /** Answers it, errors too, if it is one of these; false: it is not. */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
}

export function createVisitorCalls({ services, held, body, unread, addressOf }: VisitorCallsOptions): VisitorCalls {
  const { limits, hub, admission } = services;

  async function init(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = addressOf(request);
    const reader = { kind: 'visitor', id: undefined, address } as const; // who it is turns out on the way
    const answer = async (): Promise<string> => {
      const known = await lightPage(services, request.headers.authorization);
      return initVisitor(services, { parameters: parametersOf(request), address, known });
    };
    await unread.answer(response, reader, answer, false);
  }

  async function read(request: IncomingMessage, response: ServerResponse, page: Page, make: () => Promise<object | string>): Promise<void> {
    await admission.visitorRead(page.visitorId);
    await unread.answer(response, { kind: 'visitor', id: page.visitorId, address: addressOf(request) }, make);
  }

  async function delta(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parameters = parametersOf(request);
    if (parameters.optionalText('event', { max: 50 }) === 'init') return init(request, response);
    const known = await authenticateVisitor(services, parameters);
    const point = await resumePoint(services, readSince(parameters));
    const respondNow = parameters.optionalBoolean('respond-immediately') === true;
    // Asked for everything, or again and again for what was missed: as any other read.
    if (point.since === undefined || respondNow) await admission.visitorRead(known.visitorId);
    const holder = { pageId: known.id, visitorId: known.visitorId, address: addressOf(request) };
    const reader = { kind: 'visitor', id: known.visitorId, address: holder.address } as const;
    const answer = async (): Promise<string> => {
      const page = await services.pages.again(known);
      return poll({
        hub,
        view: new VisitorView(services, page),
        ...point,
        holdMs: respondNow ? 0 : limits.pollHoldMs,
        whileHeld: giveUp => held.addVisitors(response, holder, giveUp),
        ended: reinit,
      });
    };
    await unread.answer(response, reader, answer, point.since === undefined);
  }

  /** SIM sends actions by GET too; parameters may stand in the query. */
  async function action(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST' && request.method !== 'GET') throw new ChatError('invalid', 'unknown-action', 'use POST');
    const parameters = parametersOf(request, await body.read(request, response));
    const page = await authenticateVisitor(services, parameters);
    sendJson(response, await runVisitorAction(services, { page, address: addressOf(request) }, parameters));
  }

  const calls = new Map<string, Call>([
    ['GET /l/v/m/delta', delta],
    ['GET /l/v/delta', delta],
    ['POST /l/v/m/action', action],
    ['POST /l/v/action', action],
  ]);
  return {
    init,
    delta,
    action,
    read,
    answer(request, response) {
      const url = request.url ?? '';
      const mark = url.indexOf('?');
      const call = calls.get(`${request.method ?? ''} ${mark === -1 ? url : url.slice(0, mark)}`);
      if (call === undefined) return false;
      allowAnySite(response);
      call(request, response).catch((error: unknown) => answerVisitorError(services.log, error, request, response));
      return true;
    },
  };
}

/** The widget runs on other sites. No cookie is used here, so any site may ask; and know what time it is, which devices do not. */
export function allowAnySite(response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', 'Date');
}

/** A page that is missing, unknown or has ended: init again. */
export async function authenticateVisitor({ pages }: Services, parameters: Parameters): Promise<Page> {
  const pageId = parameters.optionalText('page-id', { max: MAX_PAGE_ID });
  const token = parameters.optionalText('auth-token', { max: 100 });
  if (pageId === undefined || token === undefined) throw reinit();
  return pages.authenticate(pageId, token);
}
