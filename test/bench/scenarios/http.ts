/** G14: visitors by HTTP, beside the same on express and one insert per message. */
import { runHttpLoad } from '../http-load.ts';
import type { Scenario } from '../scenario.ts';
import { bareExpress, tandemByHttp } from '../targets/http.ts';

/**
 * Their chats wait in the queue. All speak to one node, because the peer is one; the product's second node hears of
 * everything, which the peer does not do.
 */
const VISITORS = 100;

export const http: Scenario = {
  name: 'http',
  about: 'G14: 100 visitors who post messages as forms and hold long polls, beside bare express with one insert per message',
  async round(context) {
    const { services, seconds, divisor } = context;
    for (const target of [bareExpress(services), tandemByHttp(services)]) {
      try {
        context.record('http', target.name, await runHttpLoad(target, Math.round(VISITORS / divisor), seconds));
      } finally {
        await target.stop();
      }
    }
  },
};
