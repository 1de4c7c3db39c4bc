// What a file says of a person, read before it is sent. The server decides; this only shows what it will do.
(() => {
  "use strict";
  const HEADER_BYTES = 4 * 2 ** 20;
  const SHOWN_LENGTH = 64;
  const TEXT = /^(AE|AS|CS|DA|DS|DT|IS|LO|LT|PN|SH|ST|TM|UI|UC|UT)$/;
  const PIXELS = "x7fe00010";
  let elements = null;

  const starts = (bytes, ...codes) => codes.every((code, index) => bytes[index] === code);
  const ascii = (bytes, from, text) => [...text].every((letter, index) => bytes[from + index] === letter.charCodeAt(0));

  function kindOf(bytes) {
    if (ascii(bytes, 128, "DICM")) return "DICOM";
    if (starts(bytes, 0x89, 0x50, 0x4e, 0x47)) return "PNG";
    if (starts(bytes, 0xff, 0xd8, 0xff)) return "JPEG";
    if (ascii(bytes, 0, "II*\0") || ascii(bytes, 0, "MM\0*")) return "TIFF";
    if (bytes[0] === 8 && bytes[1] === 0 && bytes[3] === 0) return "DICOM";
    return "";
  }

  async function known(url) {
    elements ??= fetch(url).then((response) => (response.ok ? response.json() : Promise.reject(new Error())));
    try {
      return await elements;
    } catch {
      elements = null;
      return null;
    }
  }

  // Return { kind, treated: [{ name, value, treatment }], burnedIn }, or no `treated` where the header cannot be read.
  async function look(file, url) {
    const bytes = new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer());
    const kind = kindOf(bytes);
    if (kind !== "DICOM") return { kind };
    const names = await known(url);
    const header = parse(bytes);
    if (!names || !header) return { kind };
    const treated = Object.values(header.elements)
      .filter(({ tag }) => tag > "x0003" && tag !== PIXELS)
      .map((element) => describe(header, element, names));
    return { kind, treated, burnedIn: header.string("x00280301") === "YES" };
  }

  function parse(bytes) {
    try {
      return dicomParser.parseDicom(bytes, { untilTag: PIXELS });
    } catch (error) {
      // A header that goes on beyond what was read is shown as far as it was.
      return error?.dataSet ?? null;
    }
  }

  function describe(header, { tag, vr, length }, names) {
    const isPrivate = Number.parseInt(tag.slice(1, 5), 16) % 2 === 1;
    const [name, treatment] = (!isPrivate && names[tag]) || [null, "removed"];
    const readable = TEXT.test(vr || "") || (!vr && name && length > 0 && length <= SHOWN_LENGTH);
    const value = readable ? (header.string(tag) || "").slice(0, SHOWN_LENGTH) : "";
    return { name, tag: `(${tag.slice(1, 5)},${tag.slice(5)})`, value: /[\0-\x1f]/.test(value) ? "" : value, treatment };
  }

  window.medimaging.lookAtFile = look;
})();
