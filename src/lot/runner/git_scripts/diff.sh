# Prints everything that differs from a commit. Arguments: the commit, then pathspecs; without any, everything.
# Prints: HEAD's commit, a NUL, then raw and numstat records and, after an empty record, the patch.
base=$1
shift
[ $# -gt 0 ] || set -- .
read_head
take_content || exit
printf '%s\0' "$head"
git diff --cached --raw --numstat --patch -z --abbrev=40 --binary --full-index --find-renames --no-color \
	--no-ext-diff --no-textconv --no-indent-heuristic --submodule=short --ignore-submodules=none \
	--src-prefix=a/ --dst-prefix=b/ "$base" -- "$@" "${injected[@]}"
