/** The words of this page in the reader's language, which does not change while it is open. */
import { pickLanguage } from '../shared/language.ts';
import { type ClusterWords, en } from './words/en.ts';
import { ru } from './words/ru.ts';
import { zh } from './words/zh.ts';

export const language = pickLanguage();
export const words: ClusterWords = { en, ru, zh }[language];
