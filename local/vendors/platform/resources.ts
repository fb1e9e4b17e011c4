// resources.ts: the /platform/* side: sales accounts, users, purchases, automation runs, as JSON:API. Pages end where
// links.next is absent; nobody may build the next address himself [1P] 2.4.2.
import { z } from 'zod';
import type { Frame } from '../frame.ts';
import { json, jsonOrNull, type Answer, type Call } from '../http.ts';
import { platformBook, type PlatformBook } from './book.ts';
import type { platformClaims } from './claims.ts';
import { problem, type TokenService } from './sso.ts';

const mediaType = 'application/vnd.api+json';
const reference = z.object({ data: z.object({ id: z.string().min(1), type: z.string() }) });
const automationRun = z.object({
  data: z.object({ type: z.literal('automationRuns'), relationships: z.object({ businessLocation: reference, automation: reference }) }),
});
type Resource = { type: string; id: string; attributes: Record<string, unknown>; relationships: Record<string, unknown> };
type PageRule = { readonly usual: number; readonly most: number };

export class Resources {
  private readonly frame: Frame<typeof platformClaims>;
  private readonly sso: TokenService;
  private book: PlatformBook;

  constructor(frame: Frame<typeof platformClaims>, sso: TokenService, partnerId: string) {
    this.frame = frame;
    this.sso = sso;
    this.book = platformBook.parse({ partnerId });
  }

  know(body: unknown): PlatformBook {
    return (this.book = platformBook.parse(body));
  }

  answer(call: Call, url: string): Answer | null {
    switch (`${call.method} ${call.path}`) {
      case 'GET /platform/salesAccounts':
        return this.sso.deny(call, ['sales.account']) ?? this.salesAccounts(call, url);
      case 'GET /platform/users':
        return this.sso.deny(call, ['user.admin']) ?? this.users(call, url);
      case 'GET /platform/purchases':
        return this.sso.deny(call, ['financial']) ?? this.purchases(call, url);
      case 'POST /platform/automationRuns':
        return this.sso.deny(call, ['business']) ?? this.automationRun(call);
      default:
        return null;
    }
  }

  /** trustedTester; filter[businessPartner.id] is required, page[limit] at most 25 [1P] 2.4.3. */
  private salesAccounts(call: Call, url: string): Answer {
    const missing = this.otherPartner(call, 'filter[businessPartner.id]');
    if (missing) return missing;
    const [id, identifier] = [call.query.get('filter[id]'), call.query.get('filter[customerIdentifier]')];
    const include = (call.query.get('include') ?? '').split(',');
    const accounts = this.book.accounts.filter(
      each => (id === null || each.id === id) && (identifier === null || each.customerIdentifier === identifier),
    );
    const resources = accounts.map(each => ({
      id: each.id,
      type: 'salesAccounts',
      attributes: {
        tags: [],
        customerIdentifier: each.customerIdentifier,
        name: each.name,
        address: { line1: '1 Example Street', city: each.city, postalCode: '', regionCode: each.regionCode, countryCode: each.countryCode },
        phoneNumbers: each.phoneNumbers,
      },
      relationships: {
        salesPeople: { data: each.salesPerson === '' ? [] : [{ id: each.salesPerson, type: 'users' }] },
        businessPartner: { data: { type: 'partners', id: this.book.partnerId } },
      },
    }));
    const included = include.includes('salesPeople')
      ? {
          included: [...new Set(accounts.map(each => each.salesPerson))].map(person => ({
            id: person,
            type: 'users',
            attributes: { email: person },
          })),
        }
      : {};
    return this.page(resources, call, url, { usual: 10, most: 25 }, included);
  }

  /** The people of an account: filter[account.id] [constructed] 2.4.3. */
  private users(call: Call, url: string): Answer {
    const account = call.query.get('filter[account.id]');
    const users = this.book.accounts
      .filter(each => account === null || each.id === account)
      .flatMap(each => each.users.map(user => ({ account: each.id, ...user })));
    const resources = users.map(user => {
      const [firstName = '', ...rest] = user.name.split(' ');
      return {
        id: user.id,
        type: 'users',
        attributes: this.frame.claims.holds('users_look_like_this')
          ? { email: user.email, firstName, lastName: rest.join(' '), phoneNumber: user.phone }
          : { email: user.email, displayName: user.name, phoneNumbers: [user.phone] },
        relationships: { account: { data: { type: 'salesAccounts', id: user.account } } },
      };
    });
    return this.page(resources, call, url, { usual: 10, most: 25 }, {});
  }

  /** Wholesale: minor units, no due date, no amount paid [1P] 2.5. */
  private purchases(call: Call, url: string): Answer {
    const missing = this.otherPartner(call, 'filter[partner.id]');
    if (missing) return missing;
    const since = call.query.get('filter[createdAt][>]') ?? '';
    const recipient = this.frame.claims.holds('relationship_is_recipient') !== call.struck.has('partner_relationship');
    const partner = recipient
      ? { recipient: { data: { type: 'purchases', id: this.book.partnerId } } }
      : { partner: { data: { type: 'partner', id: this.book.partnerId } } };
    const resources = this.book.purchases
      .filter(each => each.createdAt > since)
      .map(({ id, customerId, ...each }) => ({
        type: 'purchases',
        id,
        attributes: {
          ...each,
          lineItems: [
            {
              sku: 'MS',
              customerId,
              unitAmount: each.total - each.taxAmount + each.discountAmount,
              quantity: 1,
              discountAmount: each.discountAmount,
              taxAmount: each.taxAmount,
              total: each.total,
            },
          ],
        },
        relationships: partner,
      }));
    return this.page(resources, call, url, { usual: 10, most: 100 }, {});
  }

  /** Fires an automation; not idempotent, empty 202 [1P] 2.7. */
  private automationRun(call: Call): Answer {
    const read = automationRun.safeParse(jsonOrNull(call.raw.toString('utf8')));
    if (!read.success) return problem(400, 'MalformedRequestBody', z.prettifyError(read.error));
    const { businessLocation, automation } = read.data.data.relationships;
    this.frame.witness.accept({
      kind: 'automation_run',
      businessKey: null,
      account: businessLocation.data.id,
      automation: automation.data.id,
    });
    return { status: 202 };
  }

  /** A partner that is not ours has nothing to show; without the filter there is no answer. */
  private otherPartner(call: Call, parameter: string): Answer | null {
    const partner = call.query.get(parameter);
    if (partner === null) return problem(400, 'QueryParameterBadValue', `${parameter} is required`, parameter);
    return partner === this.book.partnerId ? null : problem(403, 'PermissionDenied', `partner ${partner} is not yours`, parameter);
  }

  private page(all: Resource[], call: Call, url: string, { usual, most }: PageRule, more: object): Answer {
    const limit = Number(call.query.get('page[limit]') ?? usual);
    if (!Number.isInteger(limit) || limit < 0 || limit > most) {
      return problem(
        400,
        'QueryParameterBadValue',
        `found page[limit] ${call.query.get('page[limit]')}, expected 0 to ${most}`,
        'page[limit]',
      );
    }
    const cursor = call.query.get('page[cursor]') ?? '';
    const from = cursor === '' ? 0 : Number(Buffer.from(cursor, 'base64').toString('latin1'));
    if (!Number.isInteger(from) || (cursor !== '' && call.struck.has('cursor_expired'))) {
      return problem(400, 'QueryParameterBadValue', 'the cursor has expired', 'page[cursor]');
    }
    const data = all.slice(from, from + limit).map(each => strange(each, call));
    const next =
      limit > 0 && from + limit < all.length
        ? { next: this.link(call, url, Buffer.from(String(from + limit)).toString('base64'), limit) }
        : {};
    return json({ data, links: { first: this.link(call, url, '', limit), ...next }, ...more }, 200, mediaType);
  }

  private link(call: Call, url: string, cursor: string, limit: number): string {
    const query = new URLSearchParams(call.query);
    query.set('page[cursor]', cursor);
    query.set('page[limit]', String(limit));
    return `${url}${call.path}?${query.toString()}`;
  }
}

/** "New fields and enum values may appear any time" [1P] 2.4.2. */
function strange(each: Resource, call: Call): Resource {
  const more = call.struck.has('extra_fields') ? { dunningAttempts: 2, futureThing: { nested: [1] } } : {};
  const status = call.struck.has('unknown_enum') && 'statusCode' in each.attributes ? { statusCode: 'partially_paid' } : {};
  return { ...each, attributes: { ...each.attributes, ...more, ...status } };
}
