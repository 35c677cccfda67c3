/** What `ice run --help` says of grants and of marks of the input. */

export const GRANTS_HELP = `
Grants: <name>=<action>[,<action>…]:<resource>[;<option>…]
  resource  a folder or a file (./src)         within=<path>[,<path>…]
            tool:<name>[,<name>…]
            net:<url>                          methods=GET,POST  addresses=public
            proc:<program>[,<program>…]        root=<folder>  args=status,{path}*16
                                               env=LANG  reads=<path>[,…]
                                               write  network  unsandboxed
            secret:<name>[,<name>/*…]          origins=<origin>[,…]  programs=<path>[,…]
            model:<provider>/<id>[,…]          max-output-tokens=2000
            memory:<space>[,<space>…]          types=<type>[,<type>…]
            spawn:<program>[@<version>][,…]    depth=1  width=4
  options   count=10                  at most so many uses
            trusted[=<pointers>]      what stands there in the arguments is trusted
            readers=net:a.test,os:bob these may read the arguments,
            readers-at=<pointers>     or only what stands there: /url,/body
            approval                  each use is approved by a person
            approval-for=<actions>    uses of these actions are
            approvers=os:ann,os:bob   only these may approve
            approval-timeout=2h       the question lapses, which denies
            escalate-after=1h;escalate-to=os:eve   then these may approve, too
            expires=10m               90s, 10m, 2h, 7d, or 2030-01-31T12:00:00Z
            delegable=1               links that may hang below it
  for example   --grant 'source=fs.read,fs.list:./src;expires=10m'
                --grant 'report=fs.write,fs.replace:./out;approval-for=fs.replace'
                --grant 'git=proc.observe:proc:/usr/bin/git;root=.;args=log,--oneline'
                --grant 'keys=net.send:secret:github/token;origins=https://api.github.com'
  A ";" in a path is written ";;". Nothing else is granted but what ice.config.json grants.

Input: --label /document=net:example.com says where a part of it comes from, --label =<source>
where all of it does, and --label /task=trusted that a part of that does not. What is not labelled
is trusted. A "=" in a pointer is written "==".
`
