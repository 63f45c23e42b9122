/** Holds any answer to a visitor against what published apps can read, for clients in tests that are less strict themselves. */
import { configs, decodeFrame, found, newerHistory, newestHistory, olderHistory, online, uploaded } from './answers.ts';
import { DecodeError, isObject } from './json.ts';

/** `query`: what was asked. An answer that no app could read fails the whole test file, whoever swallows the error. */
export function checkAnswer(path: string, query: Readonly<Record<string, string>>, body: unknown): void {
  if (!isObject(body) || 'error' in body) return;
  try {
    switch (path.replace('/l/v/m/', '')) {
      case 'init':
        decodeFrame(body, 'init');
        return;
      case 'delta':
        decodeFrame(body, 'delta');
        return;
      case 'history':
        ('before-ts' in query ? olderHistory : 'since' in query ? newerHistory : newestHistory)(body, 'history');
        return;
      case 'search-messages':
        found(body, 'search');
        return;
      case 'upload':
        uploaded(body, 'upload');
        return;
      case 'get-online-status':
        online(body, 'online');
        return;
      default:
        if (path.startsWith('/api/visitor/v1/configs/')) configs(body, 'configs');
    }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    process.exitCode = 1;
    console.error(`${path} answered what no app can read: ${error.message}`);
    throw error;
  }
}
