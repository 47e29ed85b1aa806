/** Anthropic's SDK, as far as it is used: the bundle leaves the rest out, two thirds of it. Loaded when a client is opened. */
import { BaseAnthropic, type ClientOptions } from '@anthropic-ai/sdk/client';
import { Messages } from '@anthropic-ai/sdk/resources/messages';

/** The client without the resources that nobody asks for. */
export class Anthropic extends BaseAnthropic {
  readonly messages: Messages;

  constructor(options: ClientOptions) {
    super(options);
    // Messages wants the client that it belongs to, of which it calls only what the base has.
    this.messages = new Messages(this as never);
  }
}
