/** What the login screen says. `#` stands for the time to wait. */
import type { Language } from './language.ts';

interface LoginWords {
  readonly title: string;
  readonly login: string;
  readonly password: string;
  readonly showPassword: string;
  readonly logIn: string;
  readonly wait: string;
  readonly errors: Readonly<Record<LoginError, string>>;
}

/** `other` is any error that a person can do nothing about. */
export type LoginError = 'wrong-credentials' | 'operator-disabled' | 'too-many-attempts' | 'no-connection' | 'other';

export const LOGIN_WORDS: Readonly<Record<Language, LoginWords>> = {
  en: {
    title: 'Log in',
    login: 'Login',
    password: 'Password',
    showPassword: 'Show password',
    logIn: 'Log in',
    wait: 'One moment…',
    errors: {
      'wrong-credentials': 'Login or password is wrong.',
      'operator-disabled': 'This account is disabled. Ask your administrator.',
      'too-many-attempts': 'Too many attempts. You can try again in #.',
      'no-connection': 'The server cannot be reached. Check your connection and try again.',
      other: 'That did not work. Please try again in a moment.',
    },
  },
  ru: {
    title: 'Вход',
    login: 'Логин',
    password: 'Пароль',
    showPassword: 'Показать пароль',
    logIn: 'Войти',
    wait: 'Минутку…',
    errors: {
      'wrong-credentials': 'Неверный логин или пароль.',
      'operator-disabled': 'Учётная запись отключена. Обратитесь к администратору.',
      'too-many-attempts': 'Слишком много попыток. Повторите через #.',
      'no-connection': 'Сервер недоступен. Проверьте соединение и попробуйте ещё раз.',
      other: 'Не получилось. Попробуйте ещё раз чуть позже.',
    },
  },
  zh: {
    title: '登录',
    login: '账号',
    password: '密码',
    showPassword: '显示密码',
    logIn: '登录',
    wait: '请稍候…',
    errors: {
      'wrong-credentials': '账号或密码错误。',
      'operator-disabled': '该账号已停用，请联系管理员。',
      'too-many-attempts': '尝试次数过多，请在 # 后重试。',
      'no-connection': '无法连接服务器，请检查网络后重试。',
      other: '操作失败，请稍后重试。',
    },
  },
};
