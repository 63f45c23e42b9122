/**
 * What a visitor is asked when an operator has closed his chat. It stands with the chat, together with the questions as they were
 * when it was offered, so that a change of the questions confuses nobody.
 */

export interface Question {
  readonly type: 'stars' | 'radio' | 'comment';
  readonly text: string;
  /** Of a radio question. */
  readonly options?: readonly string[];
}

export interface SurveyConfig {
  readonly id: number;
  readonly version: string;
  readonly descriptor: { readonly forms: readonly { readonly id: number; readonly questions: readonly Question[] }[] };
}

export interface SurveyAnswer {
  readonly formId: number;
  /** Its place in the form. */
  readonly questionId: number;
  readonly answer: string;
}

export interface Survey {
  readonly id: string;
  readonly config: SurveyConfig;
  readonly answers: readonly SurveyAnswer[];
  readonly isCancelled: boolean;
}

export interface Place {
  readonly formId: number;
  readonly questionId: number;
}

export const MAX_COMMENT_LENGTH = 2_000;
const MAX_STARS = 5;

/** The question that is to be answered next; undefined when there is none left. */
export function currentQuestion({ config, answers, isCancelled }: Survey): Place | undefined {
  if (isCancelled) return undefined;
  const places = config.descriptor.forms.flatMap(form => form.questions.map((_, questionId) => ({ formId: form.id, questionId })));
  return places[answers.length];
}

/** Why this is no answer to that question, in the words of the SDKs. */
export function whyNoAnswer(
  { config }: Survey,
  { formId, questionId, answer }: SurveyAnswer,
): 'question-not-found' | 'incorrect-stars-value' | 'incorrect-radio-value' | 'max-comment-length-exceeded' | undefined {
  const question = config.descriptor.forms.find(form => form.id === formId)?.questions[questionId];
  switch (question?.type) {
    case undefined:
      return 'question-not-found';
    case 'stars':
      return isIntegerUpTo(answer, MAX_STARS) ? undefined : 'incorrect-stars-value';
    case 'radio':
      return isIntegerUpTo(answer, question.options?.length ?? 0) ? undefined : 'incorrect-radio-value';
    case 'comment':
      return answer.length <= MAX_COMMENT_LENGTH ? undefined : 'max-comment-length-exceeded';
  }
}

/** Both are counted from 1. */
function isIntegerUpTo(text: string, max: number): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) >= 1 && Number(text) <= max;
}
