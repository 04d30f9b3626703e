<?php
// Changes a WordPress site as its editors would, and tells the addresses it gives its pages:
// php wordpress-edit.php FOLDER ADDRESS PASSWORD STEP
[, $folder, $address, , $step] = $argv;
$_SERVER['HTTP_HOST'] = parse_url($address, PHP_URL_HOST);
require "$folder/wp-load.php";

if ($step === 'permalinks') {
    update_option('permalink_structure', '/%year%/%monthnum%/%category%/%postname%.html');
    $parent = wp_insert_term('Người phát ngôn', 'category', ['slug' => 'nguoi-phat-ngon']);
    wp_set_post_categories(1003, [$parent['term_id']]);
    wp_set_post_tags(1003, ['kỷ luật', 'hành chính']);
    wp_insert_post(['import_id' => 2001, 'post_type' => 'page', 'post_title' => 'Sơ đồ', 'post_parent' => 2000,
        'post_status' => 'publish', 'post_content' => '<p>Sơ đồ</p>']);
    set_post_thumbnail(1005, 3007);
    wp_insert_post(['import_id' => 2002, 'post_title' => 'Có mật khẩu', 'post_password' => 'x', 'post_status' => 'publish']);
    wp_insert_post(['import_id' => 2003, 'post_title' => 'Bản nháp', 'post_status' => 'draft', 'post_content' => 'chưa công khai']);
    wp_insert_post(['import_id' => 2004, 'post_title' => 'Hẹn giờ', 'post_status' => 'future', 'post_date' => '2099-01-01 00:00:00']);
} elseif ($step === 'correct') {
    wp_update_post(['ID' => 1001, 'post_content' => '<p>Đính chính: hội nghị lúc 14 giờ.</p>']);
    wp_update_post(['ID' => 1002, 'post_name' => 'dia-chi-moi']);
    wp_update_post(['ID' => 1004, 'post_date' => '2026-03-03 07:00:00', 'post_date_gmt' => '2026-03-03 00:00:00', 'edit_date' => true]);
    wp_trash_post(1005);
    wp_update_post(['ID' => 1006, 'post_status' => 'draft']);
    wp_delete_post(1007, true);
    global $wpdb;
    $wpdb->update($wpdb->posts, ['post_author' => 999], ['ID' => 1008]);
}
wp_cache_flush();
$GLOBALS['wp_rewrite']->init(); // as the next request would
$links = [];
foreach (get_posts(['post_type' => ['post', 'page'], 'post_status' => 'publish', 'numberposts' => -1]) as $it) {
    $links[$it->ID] = get_permalink($it);
}
echo json_encode($links);
