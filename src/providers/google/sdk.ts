/** Google's SDK, as far as it is used: the bundle leaves the rest out. Loaded when a client is opened. */
export { GoogleGenAI } from '@google/genai';
