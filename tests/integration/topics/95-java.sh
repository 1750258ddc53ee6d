# Java with Gradle: Debian's Gradle, which is the one available here. The project's wrapper, which elsewhere brings its own Gradle, starts it.

languages_storage
J=$W/java
mkdir -p "$J"

# This machine's Gradle, put where the builder's steps see it.
need_gradle() {
    need buildah jq mvn
    need_part base-amd64
    [ -d /usr/share/gradle ] || skip_case 'gradle is not installed'
    sed "s|^\[containers]|&\nvolumes = [\"/usr/share/gradle:/usr/share/gradle:ro\", \"/usr/share/java:/opt/java:ro\"]|" "$W/containers.conf" \
        >"$J/containers.conf"
    export CONTAINERS_CONF=$J/containers.conf
}

# gradle_project FOLDER: the Java example, with Gradle's files instead of Maven's.
gradle_project() {
    [ ! -e "$1" ] || return 0
    cp -R "$SOURCES/../../examples/java" "$1"
    rm "$1/pom.xml"
    # Debian's Gradle looks for its libraries in a single folder.
    printf '#!/bin/sh\ncp -sn /opt/java/*.jar /usr/share/java/\nexec /usr/share/gradle/bin/gradle "$@"\n' >"$1/gradlew"
    echo "rootProject.name = 'hello'" >"$1/settings.gradle"
    cat >"$1/build.gradle" <<'GRADLE'
apply plugin: 'java'
repositories { mavenCentral() }
dependencies {
    compile 'com.amazonaws:aws-lambda-java-core:1.4.0'
    compile 'com.github.luben:zstd-jni:1.5.6-10'
}
GRADLE
    cat >"$1/gradle.lockfile" <<'LOCK'
# This is a Gradle generated file for dependency locking.
com.amazonaws:aws-lambda-java-core:1.4.0=compileClasspath,runtimeClasspath
com.github.luben:zstd-jni:1.5.6-10=compileClasspath,runtimeClasspath
empty=annotationProcessor
LOCK
    mkdir -p "$1/src/main/resources"
    echo words >"$1/src/main/resources/words.txt"
}

gradle_build() { lbuild build -C "$1" --engine buildah --network host --locked "${@:2}"; }

gradle_answers() {
    need_gradle
    local dir=$J/project
    gradle_project "$dir"
    gradle_build "$dir" -o "$J/first.tar" 2>"$J/said" || die "$(cat "$J/said")"
    lbuild check --werror "$J/first.tar"
    same "$(jq -cS . "$dir/answer.json")" "$(python3 "$SOURCES/run_image.py" "$J/first.tar" "$(cat "$dir/event.json")" | jq -cS .)"
    layer_files "$J/first.tar" 2 | finds '^var/task/lib/zstd-jni-1.5.6-10.jar'
    layer_files "$J/first.tar" 2 | finds '^var/task/lib/aws-lambda-java-core-1.4.0.jar'
    same 'var/runtime/bootstrap
var/task/example/Handler.class
var/task/words.txt' "$(layer_files "$J/first.tar" 1 | grep -E '(runtime|task)/' | grep -v 'json$')"
    # Only the app's layer is made again.
    sed -i 's/"bytes"/"octets"/' "$dir/src/main/java/example/Handler.java"
    gradle_build "$dir" -o "$J/second.tar" 2>"$J/said" || die "$(cat "$J/said")"
    grep -q 'deps *unchanged' "$J/said" || die "$(cat "$J/said")"
}

gradle_locks() {
    need_gradle
    local dir=$J/locks
    gradle_project "$dir"
    sed -i s/1.4.0/1.3.0/ "$dir/gradle.lockfile"
    fails_with 7 "gradle.lockfile doesn't fit the project; run './gradlew dependencies --write-locks'" gradle_build "$dir" -q
    rm "$dir/gradle.lockfile"
    fails_with 7 'the project has none; create pom.xml or gradle.lockfile' gradle_build "$dir" -q
    rm "$dir/gradlew"
    fails_with 1 "a Gradle project is built with its own wrapper.*run 'gradle wrapper'" lbuild build -C "$dir" --engine buildah --network host -q
}

check 'Gradle: the image answers, and its dependencies are a layer of their own' gradle_answers
check "Gradle: a lock file that doesn't fit, none, and no wrapper" gradle_locks
