/** The widget's words in the language of its page. */
import type { Language } from '../shared/language.ts';
import { en, type Words } from './words/en.ts';
import { ru } from './words/ru.ts';
import { zh } from './words/zh.ts';

export type { Words };

export function wordsOf(language: Language): Words {
  return { en, ru, zh }[language];
}
