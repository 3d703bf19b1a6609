# Shared by sync.sh and publish.sh; `remote` is the address of the repository.
set -u

# Sets `head` to the commit that is checked out; without a process where git's files are as usual.
read_head() {
	head=
	{
		read -r head <.git/HEAD
		[[ $head != 'ref: '* ]] || read -r head <".git/${head#ref: }"
	} 2>/dev/null
	[[ $head =~ ^[0-9a-f]{40,64}$ ]] || head=$(git rev-parse --verify --quiet 'HEAD^{commit}')
}

# Sets `found` to the commit of a ref at the remote, or to nothing if there is none; fails if the remote does.
# The shell asks by itself (ls-refs of protocol version 2): git would start a program that takes ten times as long to
# load in a sandbox. Where that does not work, git does it.
find_remote() {
	local is_known=1
	trap '' PIPE # A connection that closes early must not end the script.
	ask_remote "$1" || is_known=0
	trap - PIPE
	[ $is_known = 0 ] || return 0
	found=$(git ls-remote --exit-code -- "$remote" "$1")
	case $? in
	0) found=${found%%[[:space:]]*} ;;
	2) found= ;;
	*) return 1 ;;
	esac
}

ask_remote() {
	local LC_ALL=C address=${remote#http://} host port=80 body line=
	found=
	host=${address%%/*}
	[[ $remote == http://*/* && $host != *@* ]] || return
	printf -v body '0014command=ls-refs\n0001%04xref-prefix %s\n0000' $((16 + ${#1})) "$1"
	[[ $host != *:* ]] || port=${host##*:}
	{
		printf 'POST /%s/git-upload-pack HTTP/1.0\r\nHost: %s\r\nGit-Protocol: version=2\r\nContent-Length: %d\r\n' \
			"${address#*/}" "$host" ${#body} >&3
		printf 'Content-Type: application/x-git-upload-pack-request\r\n\r\n%s' "$body" >&3
		read -r -t 20 line <&3
		[[ $line == HTTP/1.?' 200'* ]] || return
		while IFS= read -r -t 20 line <&3; do
			[[ ! $line =~ ^[0-9a-f]{4}([0-9a-f]{40,64})\ (.*)$ ]] || [ "${BASH_REMATCH[2]}" != "$1" ] || found=${BASH_REMATCH[1]}
		done
		[ "$line" = 0000 ]
	} 2>/dev/null 3<>"/dev/tcp/${host%:*}/$port"
}
