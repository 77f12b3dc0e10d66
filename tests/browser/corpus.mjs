// Texts that have made pages run scripts, by the way they do it: each would call `pwn` in some place of some
// page.

/** Between tags. */
const TAGS = [
  '<script>pwn(1)</script>', '<SCRIPT>pwn(1)</SCRIPT >', '<script\n>pwn(1)</script\n>', '<script/x>pwn(1)</script>', '<script src=data:text/javascript,pwn(1)></script>',
  '<script type=module>pwn(1)</script>', '<svg><script>pwn(1)</script></svg>', '<svg><script href="data:text/javascript,pwn(1)" />',
  '<img src=x onerror=pwn(1)>', '<img src=x onerror="pwn(1)"', '<img/src/onerror=pwn(1)>', '<img src=x:x onerror\t=\tpwn(1)>', '<img src=x onerror=pwn`1`>',
  '<image src=x onerror=pwn(1)>', '<video src=x onerror=pwn(1)>', '<video><source onerror=pwn(1)></video>', '<audio src onloadstart=pwn(1)>', '<object data=x onerror=pwn(1)>',
  '<input autofocus onfocus=pwn(1)>', '<select autofocus onfocus=pwn(1)>', '<textarea autofocus onfocus=pwn(1)>', '<button popovertarget=x>x</button><p popover id=x onbeforetoggle=pwn(1)>',
  '<details open ontoggle=pwn(1)>', '<body onload=pwn(1)>', '<body onpageshow=pwn(1)>', '<frameset onload=pwn(1)>', '<marquee onstart=pwn(1)>', '<style onload=pwn(1)></style>',
  '<style>@keyframes x{}</style><b style="animation-name:x" onanimationend=pwn(1)>', '<iframe src="javascript:parent.pwn(1)">', '<iframe srcdoc="<script>parent.pwn(1)</script>">',
  '<iframe onload=pwn(1)>', '<embed src="javascript:pwn(1)">', '<form action=javascript:pwn(1)><input type=submit id=x></form><label for=x>x', '<a href=javascript:pwn(1)>x</a>',
  '<a href="java&Tab;script:pwn(1)">x</a>', '<a href="javascript&colon;pwn(1)">x</a>', '<base href="javascript:/a/+pwn(1)//">', '<meta http-equiv=refresh content="0;url=javascript:pwn(1)">',
  '<link rel=stylesheet href=x onerror=pwn(1)>', '<link rel=preload as=script href=x onload=pwn(1) onerror=pwn(1)>', '<dialog open onclose=pwn(1)><form method=dialog><button autofocus>',
  '<x contenteditable onfocus=pwn(1) autofocus tabindex=1>', '<isindex type=image src=x onerror=pwn(1)>',
];
/** Where one parser is inside another. */
const MUTATIONS = [
  '<svg><animate onbegin=pwn(1) attributeName=x dur=1s>', '<svg><set attributeName=onmouseover to=pwn(1)>', '<svg><a><animate attributeName=href values=javascript:pwn(1) /><text x=20 y=20>x</text></a>',
  '<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><image href=x onerror=pwn(1) /></svg>#x">', '<svg></p><style><a id="</style><img src=1 onerror=pwn(1)>">',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=pwn(1)&gt;">', '<math><mi//xlink:href="data:x,<script>pwn(1)</script>">',
  '<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=pwn(1) src>">', '<noscript><p title="</noscript><img src=x onerror=pwn(1)>">',
  '<template><img src=x onerror=pwn(1)></template>', '<xmp><p title="</xmp><img src=x onerror=pwn(1)>">', '<textarea><img title="</textarea><img src=x onerror=pwn(1)>">',
  '<!--><img src=x onerror=pwn(1)>-->', '<!-- --!><img src=x onerror=pwn(1)> -->', '<![CDATA[<img src=x onerror=pwn(1)>]]>', '<?xml-stylesheet href="x"?><img src=x onerror=pwn(1)>', '</ ><img src=x onerror=pwn(1)>',
  '<scr<script>ipt>pwn(1)</scr</script>ipt>', '<<img src=x onerror=pwn(1)>', '<i<i<img src=x onerror=pwn(1)>', '<im<!-- -->g src=x onerror=pwn(1)>', '<a <img src=x onerror=pwn(1)>', '<img src="<img src=x onerror=pwn(1)>">',
];
/** Out of an attribute. */
const ATTRIBUTES = [
  '" onerror="pwn(1)', '" autofocus onfocus="pwn(1)" x="', '\' onfocus=\'pwn(1)\' autofocus x=\'', '"><img src=x onerror=pwn(1)>', '\'><svg/onload=pwn(1)>', '` onload=pwn(1) x=`', 'x onerror=pwn(1)', '"/**/onload="pwn(1)',
];
/** As an address. */
const ADDRESSES = [
  'javascript:pwn(1)', 'JaVaScRiPt:pwn(1)', ' javascript:pwn(1)', 'java\nscript:pwn(1)', '\u0001javascript:pwn(1)', 'javascript://%0apwn(1)', 'data:text/html,<script>pwn(1)</script>', 'data:text/html;base64,PHNjcmlwdD5wYXJlbnQucHduKDEpPC9zY3JpcHQ+',
  'vbscript:pwn(1)', 'blob:https://x/1', 'https://x/"onfocus="pwn(1)"autofocus="', 'https://javascript:pwn(1)@x/', '//x/y', '/\\x/y',
];
/** In other spellings, and for template engines and shells of scripts. */
const SPELLINGS = [
  '&lt;img src=x onerror=pwn(1)&gt;', '&#x3c;img src=x onerror=pwn(1)&#x3e;', '&amp;lt;script&amp;gt;pwn(1)', '\\u003cimg src=x onerror=pwn(1)\\u003e', '\\x3cscript\\x3epwn(1)', '%3Cimg%20src=x%20onerror=pwn(1)%3E', '+ADw-script+AD4-pwn(1)',
  '\uff1cimg src=x onerror=pwn(1)\uff1e', '\u2039script\u203apwn(1)', '<\u0000script>pwn(1)</script>', '<scr\u0000ipt>pwn(1)</script>', '<\u200bimg src=x onerror=pwn(1)>', '<i\u0307mg src=x onerror=pwn(1)>', '<\u202eimg src=x onerror=pwn(1)>', '<\u007fimg src=x onerror=pwn(1)>', '<img\u000csrc=x\u000conerror=pwn(1)>',
  '{{constructor.constructor("pwn(1)")()}}', '${pwn(1)}', '#{pwn(1)}', '<%= pwn(1) %>', '[[${pwn(1)}]]', '`;pwn(1);//', '\'-pwn(1)-\'', '";pwn(1)//', '</script><script>pwn(1)</script>', '\u2028pwn(1)\u2029', '__proto__', '{"toString":"pwn(1)"}',
];

export const CORPUS = [...TAGS, ...MUTATIONS, ...ATTRIBUTES, ...ADDRESSES, ...SPELLINGS];

/** Texts that are no markup and have to come back as they are. */
export const PLAIN = [
  'a < b && c > d <3', '1<2>0', 'x <- y -> z', 'if (a<=b) { c(); } // "quotes" \'and\' `ticks`', 'Tom & Jerry &amp; &lt;b&gt; &copy;', 'C:\\new\\table', '50 % off + $5 = ${x}', 'Grüße, 你好, שלום, مرحبا, 👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈', 'line\n\n\tindented', '<3 < 4 <= 5 <> 6 << 7',
  'zero\u200dwidth', 'e\u0301 é', '{{ name }} {% if %} #{x}', 'javascript is a language', 'on error = stop; onclick is an attribute',
];
