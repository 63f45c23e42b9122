/** A visitor answers the survey of his last chat, question by question, or has none of it. A repeat changes nothing. */
import type { Chat } from '../domain/chat.ts';
import { ChatError } from '../domain/error.ts';
import { currentQuestion, type Survey, type SurveyAnswer, whyNoAnswer } from '../domain/survey.ts';
import type { BatchRows } from '../commit/batch-rows.ts';
import { jsonBytes } from './command-bytes.ts';
import { type Command, type Decision, unchanged } from '../commit/command.ts';

export interface OwnSurvey {
  readonly visitorId: string;
  /** His newest chat. */
  readonly chatId: number;
  readonly surveyId: string;
}

export function answerSurvey(own: OwnSurvey, given: SurveyAnswer): Command<null> {
  return aboutSurvey('survey.answer', own, jsonBytes(given), (chat, survey) => {
    const why = whyNoAnswer(survey, given);
    if (why !== undefined) throw new ChatError('invalid', why, 'this is no answer to that question');
    const known = survey.answers.find(({ formId, questionId }) => formId === given.formId && questionId === given.questionId);
    if (known !== undefined) return unchanged(null);
    const current = currentQuestion(survey);
    if (current?.formId !== given.formId || current.questionId !== given.questionId) {
      throw new ChatError('conflict', 'question-not-found', 'another question is to be answered now');
    }
    return changed(chat, { ...survey, answers: [...survey.answers, given] });
  });
}

export function cancelSurvey(own: OwnSurvey): Command<null> {
  return aboutSurvey('survey.cancel', own, 0, (chat, survey) => changed(chat, { ...survey, isCancelled: true }));
}

function aboutSurvey(name: string, own: OwnSurvey, more: number, decide: (chat: Chat, survey: Survey) => Decision<null>): Command<null> {
  return {
    name,
    bytes: 5_000 + more,
    addKeys(keys) {
      keys.chats.add(own.chatId);
    },
    decide(rows) {
      const { chat, survey } = getSurvey(rows, own);
      return decide(chat, survey);
    },
  };
}

function getSurvey(rows: BatchRows, { visitorId, chatId, surveyId }: OwnSurvey): { chat: Chat; survey: Survey } {
  const chat = rows.chat(chatId);
  if (chat?.visitorId !== visitorId || chat.survey === null || chat.survey.isCancelled) {
    throw new ChatError('conflict', 'no-current-survey', 'there is no survey');
  }
  if (chat.survey.id !== surveyId) throw new ChatError('conflict', 'incorrect-survey-id', 'this survey is not the current one');
  return { chat, survey: chat.survey };
}

function changed({ id, visitorId }: Chat, survey: Survey): Decision<null> {
  return { changes: [{ type: 'survey-changed', chatId: id, visitorId, survey }], answer: null };
}
