// people.ts: where the cast lives and what it is called. Names are invented, addresses are on example domains (RFC 2606),
// telephone numbers come from ranges kept for fiction, so nothing here can ever reach a real person.
import type { Zone } from '../../domain/time.ts';
import { codeOf, type Draws } from '../seeded.ts';
import type { CastContact, CastCustomer, CastSegment } from './book.ts';

type Place = {
  readonly country: string;
  readonly region: string;
  readonly city: string;
  readonly zone: Zone;
  readonly locale: string;
  readonly currency: string;
  /** Everything before the last three digits. NANP 555-01xx; Ofcom, BNetzA and ARCEP ranges for drama. Spain keeps none. */
  readonly phone: string;
};

const place = (text: string): Place => {
  const [country = '', region = '', city = '', zone = '', locale = '', currency = '', phone = ''] = text.split('|');
  return { country, region, city, zone, locale, currency, phone };
};

const home = [
  'US|NY|New York|America/New_York|en-US|USD|+12125550',
  'US|IL|Chicago|America/Chicago|en-US|USD|+13125550',
  'US|CA|Oakland|America/Los_Angeles|en-US|USD|+15105550',
  'US|AZ|Phoenix|America/Phoenix|en-US|USD|+16025550',
  'CA|ON|Toronto|America/Toronto|en-CA|CAD|+14165550',
  'CA|SK|Saskatoon|America/Regina|en-CA|CAD|+13065550',
  'CA|QC|Montréal|America/Toronto|fr-CA|CAD|+15145550',
  'CA|BC|Victoria|America/Vancouver|en-CA|CAD|+12505550',
].map(place);
const abroad = [
  'GB||London|Europe/London|en-GB|GBP|+442079460',
  'GB||Leeds|Europe/London|en-GB|GBP|+441134960',
  'DE|BE|Berlin|Europe/Berlin|de-DE|EUR|+493023125',
  'DE|HH|Hamburg|Europe/Berlin|de-DE|EUR|+494066969',
  'FR||Lyon|Europe/Paris|fr-FR|EUR|+33465710',
  'FR||Paris|Europe/Paris|fr-FR|EUR|+33199000',
  'ES|MD|Madrid|Europe/Madrid|es-ES|EUR|+34910001',
  'ES|CN|Las Palmas|Atlantic/Canary|es-ES|EUR|+34928000',
].map(place);

const words: Readonly<Record<string, { first: readonly string[]; second: readonly string[]; end: readonly string[] }>> = {
  en: {
    first: [
      'Harbour',
      'Juniper',
      'Quarry',
      'Larkspur',
      'Ninth Street',
      'Copper Kettle',
      'Old Mill',
      'Prairie',
      'Lantern',
      'Tidewater',
      'Bluebird',
      'Summit',
    ],
    second: [
      'Bakery',
      'Dental Care',
      'Cycles',
      'Print Works',
      'Garden Supply',
      'Veterinary Clinic',
      'Roofing',
      'Coffee Roasters',
      'Pottery',
      'Towing',
      'Books',
      'Fitness',
    ],
    end: ['Ltd', 'Inc.', 'Co.', 'Group'],
  },
  fr: {
    first: ['Boulangerie', 'Atelier', 'Garage', 'Librairie', 'Clinique', 'Menuiserie', 'Pépinière', 'Fromagerie'],
    second: ['du Vieux Port', 'des Érables', 'Saint-Rémy', 'de la Gare', 'Beauséjour', 'des Quatre Vents', 'du Moulin', 'Belle Étoile'],
    end: ['SARL', 'SAS', 'inc.'],
  },
  de: {
    first: ['Lindenhof', 'Nordlicht', 'Hafenkante', 'Ährengold', 'Waldmeister', 'Brückner', 'Königsallee', 'Mühlbach'],
    second: ['Bäckerei', 'Werkstatt', 'Gartenbau', 'Druckerei', 'Zahnarztpraxis', 'Möbel', 'Fahrräder', 'Optik'],
    end: ['GmbH', 'GmbH & Co. KG', 'e.K.'],
  },
  es: {
    first: ['Talleres', 'Panadería', 'Clínica', 'Librería', 'Viveros', 'Cerámica', 'Óptica', 'Bodegas'],
    second: ['Río Verde', 'Peñalara', 'San Martín', 'El Olivar', 'La Señora', 'Buenavista', 'Dos Hermanos', 'Montaña'],
    end: ['S.L.', 'S.A.'],
  },
};

const people = [
  'Pat Doe',
  'Alex Moreau',
  'Sam Weiß',
  'Robin Clarke',
  'Noa García',
  'Kim Tremblay',
  'Jo Fischer',
  'Max Okafor',
  'Lou Bernard',
  'Ines Vidal',
  'Chris Olsen',
  'Dana Novak',
];
const collectors = ['mira@creditor.example', 'tomas@creditor.example', 'ada@creditor.example'];
/** Two different debtors under one name: a name is never a key (integrations 2.2.1). */
const sharedNames = ['Road Savannah', 'Northgate Autos'];

/** The `index`-th customer of a book. The first ten are the special ones; the rest are ordinary. */
export function customerAt(index: number, seed: number, draws: Draws): CastCustomer {
  const segment = segmentAt(index);
  const lives = placeAt(index, segment, draws);
  const id = `AG-${codeOf(10, 'customer', seed, index)}`;
  const name = nameAt(index, segment, lives, draws);
  const domain = `${slug(name)}-${index + 1}.example`;
  return {
    id,
    name,
    country: lives.country,
    region: lives.region,
    city: lives.city,
    zone: lives.zone,
    locale: lives.locale,
    currency: lives.currency,
    segment,
    owner: draws.pick(collectors),
    contacts: contactsAt(index, domain, lives, segment, draws),
  };
}

const special: readonly CastSegment[] = ['strategic', 'government', 'small-balance', 'seasonal'];
function segmentAt(index: number): CastSegment {
  return special[index] ?? (index > 9 && index % 9 === 0 ? 'international' : 'standard');
}

/** Every currency and language appears among the first twenty-five, whatever the seed. */
function placeAt(index: number, segment: CastSegment, draws: Draws): Place {
  if (segment === 'international') return draws.pick(abroad);
  const all = [...home, ...abroad];
  const chosen = index < 2 ? home[index * 4] : all[(index * 5) % all.length];
  return chosen ?? draws.pick(home);
}

function nameAt(index: number, segment: CastSegment, lives: Place, draws: Draws): string {
  if (segment === 'government') return `City of ${lives.city} Works Department`;
  const shared = index >= 4 && index < 8 ? sharedNames[Math.floor((index - 4) / 2)] : undefined;
  if (shared) return shared;
  const list = words[lives.locale.slice(0, 2)] ?? words['en'];
  if (!list) throw new RangeError(`found no names for ${lives.locale}, expected en, fr, de or es`);
  return `${draws.pick(list.first)} ${draws.pick(list.second)} ${draws.pick(list.end)}`;
}

function contactsAt(index: number, domain: string, lives: Place, segment: CastSegment, draws: Draws): CastContact[] {
  const phoneOf = (line: number): string => `${lives.phone}${String(100 + ((index * 3 + line) % 100)).padStart(3, '0')}`;
  const billing: CastContact = {
    role: 'billing',
    name: draws.pick(people),
    email: `billing@${domain}`,
    phone: index % 11 === 10 ? null : phoneOf(0),
  };
  const ap: CastContact = { role: 'ap', name: draws.pick(people), email: `accounts.payable@${domain}`, phone: phoneOf(1) };
  const chief: CastContact = { role: 'escalation', name: draws.pick(people), email: `director@${domain}`, phone: phoneOf(2) };
  if (segment === 'strategic' || segment === 'government') return [billing, ap, chief];
  return index % 3 === 0 ? [billing, ap] : [billing];
}

function slug(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[^A-Za-z0-9]+/g, '')
    .toLowerCase()
    .slice(0, 24);
}
