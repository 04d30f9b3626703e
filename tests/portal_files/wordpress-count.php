<?php
// Tells what a WordPress site holds, as JSON: php wordpress-count.php FOLDER ADDRESS PASSWORD
[, $folder, $address, $password] = $argv;
$_SERVER['HTTP_HOST'] = parse_url($address, PHP_URL_HOST);
require "$folder/wp-load.php";

$posts = get_posts(['post_type' => ['post', 'page'], 'post_status' => 'any', 'numberposts' => -1,
    'orderby' => 'ID', 'order' => 'ASC']);
$media = get_posts(['post_type' => 'attachment', 'numberposts' => -1, 'orderby' => 'ID', 'order' => 'ASC']);
echo json_encode([
    'title' => get_option('blogname'),
    'posts' => array_map(fn($it) => [$it->ID, $it->post_title, $it->post_status, hash('sha256', $it->post_content)], $posts),
    'comments' => array_map(fn($it) => [$it->comment_approved, $it->comment_author, $it->comment_content],
        get_comments(['status' => 'any', 'orderby' => 'comment_ID', 'order' => 'ASC'])),
    'media' => array_map(fn($it) => [get_attached_file($it->ID), hash_file('sha256', get_attached_file($it->ID)),
        array_map(fn($size) => hash_file('sha256', dirname(get_attached_file($it->ID)) . "/{$size['file']}"),
            wp_get_attachment_metadata($it->ID)['sizes'])], $media),
    'accounts' => array_map(fn($it) => [$it->user_login, $it->display_name, $it->roles,
        wp_check_password($it->user_login === 'quantri' ? $password : "$password {$it->user_login}", $it->user_pass, $it->ID)],
        get_users(['orderby' => 'ID'])),
], JSON_UNESCAPED_UNICODE);
