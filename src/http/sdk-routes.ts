/**
 * Calls of the mobile SDKs that are the same for everybody: what the account is like, who is online, and those that
 * this product has nothing for (FAQ), which answer empty but as SDKs can read it.
 */
import { Router } from 'express';
import type { Services } from '../sessions/services.ts';
import { parametersOf } from './parameters.ts';
import { sendJson } from './respond.ts';

export function sdkRoutes({ derived, limits, survey }: Services): Router {
  const routes = Router({ caseSensitive: true });

  /** Any location has one, whatever its name: a 404 here would stop an SDK's delta loop for ever. `chat` must be there when operators can be rated. */
  routes.get(/^\/api\/visitor\/v1\/configs(?:\/.*)?$/, (_request, response) =>
    sendJson(response, {
      accountConfig: {
        rate_operator: true,
        web_and_mobile_quoting: true,
        visitor_message_editing: true,
        check_visitor_auth: true,
        visitor_upload_file: true,
        allowed_upload_file_types: limits.uploadTypes.join(', '),
        max_visitor_upload_file_size: Math.floor(limits.maxFileBytes / 1_048_576),
        track_visitor_typing: true,
        surveys: survey !== undefined,
      },
      locationSettings: { chat: { proposeToRateBeforeClose: limits.proposesRating ? 'Y' : 'N' } },
    }),
  );

  /** No other addresses than those that SDKs know. */
  routes.get('/api/visitor/meta', (_request, response) => sendJson(response, { endpoints: {} }));

  routes.get(['/l/v/get-online-status', '/l/v/m/get-online-status'], (_request, response) => {
    const onlineStatus = derived.onlineStatus(null);
    sendJson(response, { onlineOperators: onlineStatus !== 'offline', onlineStatus });
  });

  const faq = '/services/faq/v1';
  routes.get(`${faq}/item`, (request, response) =>
    sendJson(response, { id: idOf(request, 'itemid'), title: '', content: '', categories: [], tags: [], likes: 0, dislikes: 0 }),
  );
  routes.get(`${faq}/category`, (request, response) =>
    sendJson(response, { categoryid: idOf(request, 'categoryid'), title: '', childs: [] }),
  );
  routes.get(`${faq}/structure`, (request, response) =>
    sendJson(response, { id: idOf(request, 'categoryid'), type: 'root', title: '', childs: [] }),
  );
  routes.get([`${faq}/search`, '/webim/api/v1/faq/category'], (_request, response) => sendJson(response, []));
  routes.post([`${faq}/like`, `${faq}/dislike`, `${faq}/track`], (_request, response) => sendJson(response, { result: 'ok' }));
  return routes;
}

function idOf(request: Parameters<typeof parametersOf>[0], name: string): string {
  return parametersOf(request).optionalText(name, { max: 100 }) ?? '';
}
