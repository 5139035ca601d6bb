# Completion of astalty for bash. In ~/.bashrc:
#     eval "$(astalty completion bash)"

# What a word means that is still being typed: its text in REPLY, the quote that is open in QUOTE.
_astalty_unquote() {
    local text=$1 char i
    REPLY='' QUOTE=''
    for ((i = 0; i < ${#text}; i++)); do
        char=${text:i:1}
        if [[ $char == \\ && $QUOTE != \' ]]; then
            ((++i))
            [[ $QUOTE == \" && ${text:i:1} != [\"\\\$\`] ]] && REPLY+=\\
            REPLY+=${text:i:1}
        elif [[ $char == "$QUOTE" ]]; then
            QUOTE=''
        elif [[ -z $QUOTE && $char == [\"\'] ]]; then
            QUOTE=$char
        else
            REPLY+=$char
        fi
    done
}

# A name is data of the service: whatever is in it, the shell must take it for a name.
_astalty_quote() {
    REPLY=$1
    case $QUOTE in
        \') REPLY=${REPLY//\'/"'\\''"} ;;
        \")
            REPLY=${REPLY//\\/\\\\}
            REPLY=${REPLY//\"/\\\"}
            REPLY=${REPLY//\$/\\\$}
            REPLY=${REPLY//\`/\\\`}
            REPLY=${REPLY//\!/'"\!"'} # no backslash keeps it from the history inside of these quotes
            ;;
        *) [[ $REPLY =~ ^[[:alnum:]_./:=@%+,-]*$ ]] || printf -v REPLY %q "$REPLY" ;;
    esac
    # bash closes the quote, unless the last character is one: it takes that for the closing one.
    [[ -n $QUOTE && $REPLY == *"$QUOTE" ]] && REPLY+=$QUOTE
}

_astalty() {
    local line=${COMP_LINE:0:COMP_POINT} piece found code i REPLY QUOTE
    local -a raw=() words=()
    # bash takes words apart at = and :, and astalty wants them whole: what no space divides is one.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i == 0)) || [[ $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            raw+=('')
        fi
        ((i == COMP_CWORD)) && piece=$line
        raw[${#raw[@]} - 1]+=$piece
        line=${line#"$piece"}
    done
    for piece in "${raw[@]}"; do
        _astalty_unquote "$piece"
        words+=("$REPLY")
    done
    COMPREPLY=()
    found=$(command astalty __complete "${words[@]:1}" 2>/dev/null)
    code=$?
    if ((code == 3)); then
        compopt -o default
        return
    fi
    # Of the last word bash replaces what comes after the last = or :, and so much is not repeated.
    local last=${raw[${#raw[@]} - 1]} typed=${COMP_WORDS[COMP_CWORD]} before quote=$QUOTE
    while [[ -n $typed && $last != *"$typed" ]]; do typed=${typed%?}; done # up to the cursor
    [[ $typed =~ ^[=:]+$ ]] && typed=
    _astalty_unquote "${last%"$typed"}"
    before=$REPLY QUOTE=$quote
    while IFS=$'\t' read -r piece _; do
        [[ -n $piece ]] || continue
        [[ $piece == *[=:] ]] && compopt -o nospace
        _astalty_quote "${piece#"$before"}"
        COMPREPLY+=("$REPLY")
    done <<<"$found"
}

complete -o nosort -F _astalty astalty 2>/dev/null || complete -F _astalty astalty
