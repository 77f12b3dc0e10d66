// The devices that somebody's pushes go to: a list, of which each can be taken off.

import { $, arrange, button, element } from '/elements.js';
import { Refusal } from '/refusal.js';
import { shortTime } from '/times.js';

export class Devices {
  #api;
  #pushes;
  /** @type {Device[]} */
  #known = [];

  /**
   * @param {import('/api.js').Api} api
   * @param {import('/pushes.js').Pushes} pushes
   */
  constructor(api, pushes) {
    this.#api = api;
    this.#pushes = pushes;
    pushes.addEventListener('change', () => $('settings').open && this.load());
  }

  /** Reads them again. */
  async load() {
    this.#known = (await this.#api.read('/devices')).devices;
    this.#draw();
  }

  /** @param {Device} device */
  async #remove({ _id }) {
    $('settings-error').textContent = '';
    try {
      // This browser has to give its subscription back too.
      if (_id === this.#pushes.device) await this.#pushes.stop();
      else await this.#api.ask('DELETE', `/devices/${_id}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Another window may have taken it off.
      if (error.code !== 'not_found') $('settings-error').textContent = error.message;
      return this.load();
    }
    this.#known = this.#known.filter(each => each._id !== _id);
    return this.#draw();
  }

  #draw() {
    const hadFocus = $('devices').contains(document.activeElement);
    $('no-devices').hidden = this.#known.length > 0;
    arrange($('devices'), this.#known.map(device => {
      const name = device.name || (device.kind === 'fcm' ? 'An app' : 'A browser');
      const isThis = device._id === this.#pushes.device;
      const since = element('time', { datetime: device.registeredAt }, isThis ? 'this browser' : shortTime(device.registeredAt));
      const remove = button('Remove', () => this.#remove(device), { class: 'quiet', 'aria-label': `Remove ${name}` });
      return element('li', {}, element('span', {}, `${name}, `, since), remove);
    }));
    if (hadFocus && !$('devices').contains(document.activeElement)) $('settings').focus();
  }
}
