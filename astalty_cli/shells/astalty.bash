# Completion of astalty for bash. In ~/.bashrc:
#     eval "$(astalty completion bash)"

_astalty() {
    local line=${COMP_LINE:0:COMP_POINT} piece word found code i
    local -a words=()
    # bash takes words apart at = and :, and astalty wants them whole: what no space divides is one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=("")
        fi
        ((i == COMP_CWORD)) && piece=$line
        words[${#words[@]} - 1]+=$piece
        line=${line#"$piece"}
    done
    word=${words[${#words[@]} - 1]}
    # Of the last word bash replaces what comes after the last = or :, and so much is not repeated below.
    local before=${word%"${COMP_WORDS[COMP_CWORD]}"} quote=
    case ${COMP_WORDS[COMP_CWORD]} in
        = | :) before=$word ;;
        [\"\']*) quote=${COMP_WORDS[COMP_CWORD]:0:1} ;;
    esac
    words=("${words[@]//\\/}")
    words=("${words[@]//[\"\']/}")

    COMPREPLY=()
    found=$(command astalty __complete "${words[@]:1}" 2>/dev/null)
    code=$?
    if ((code == 3)); then
        compopt -o default
        return
    fi
    while IFS=$'\t' read -r word _; do
        [[ -n $word ]] || continue
        [[ $word == *[=:] ]] && compopt -o nospace
        word=${word#"$before"}
        # A name is data of the service: whatever is in it, the shell must take it for a name.
        case $quote in
            \') word=${word//\'/"'\\''"} ;;
            \") word=$(sed 's/[\\"$`]/\\&/g' <<<"$word") ;;
            *) printf -v word %q "$word" ;;
        esac
        COMPREPLY+=("$word")
    done <<<"$found"
}

complete -o nosort -F _astalty astalty 2>/dev/null || complete -F _astalty astalty
